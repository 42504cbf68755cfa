"""Residue of chat tools: every rule by its examples, and pages that only talk about it."""

# ruff: noqa: E501 (sample texts read better whole)

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from provenance.annotators.marks.annotator import Marks
from provenance.annotators.marks.residue import (
    ALONE,
    CANDIDATES,
    EVIDENCE_LIMIT,
    evidence,
    find_residue,
    may_have_residue,
)
from provenance.annotators.marks.rules import Rule, rules

RULES = rules()
ids = [rule.id for rule in RULES]


def hits(text: str, markup: str | None = None) -> set[str]:
    return {hit.rule.id for hit in find_residue(text, markup.encode() if markup is not None else None)}


def marks(text: str) -> list[dict[str, str]]:
    return list(Marks()(pa.record_batch({"text": pa.array([text], pa.large_string())}))[0].to_pylist()[0])


def test_rules_are_well_formed() -> None:
    assert len(set(ids)) == len(ids)
    for rule in RULES:
        assert rule.kind in ALONE | {"phrase", "template"}
        assert rule.scope in ("text", "markup", "both")
        assert rule.why and rule.vendor
        assert 0 <= rule.weight <= EVIDENCE_LIMIT
        assert all(len(a.encode()) >= 4 and a == a.lower() for a in rule.anchors), rule.id


@pytest.mark.parametrize("rule", RULES, ids=ids)
def test_a_rule_fires_on_its_positive_example_and_not_on_its_negative(rule: Rule) -> None:
    # Phrases and templates need a second rule: one of the other kind stands by.
    second = (
        ""
        if rule.kind in ALONE
        else (
            "\n\n[Insert name of shop here]\n" if rule.id != "placeholder-insert" else "\nDear [Your Name],\n"
        )
    )
    if rule.scope == "markup":
        assert rule.id in hits("", rule.positive)
        assert rule.id not in hits("", rule.negative)
        return
    assert rule.id in hits(rule.positive + second)
    assert rule.id not in hits(rule.negative + second)
    assert may_have_residue(pa.array([rule.positive], pa.large_string()), np.ones(1, np.bool_))[0]


@pytest.mark.parametrize("rule", [r for r in RULES if r.kind not in ALONE], ids=lambda r: r.id)
def test_a_weak_phrase_does_not_count_alone(rule: Rule) -> None:
    assert hits(rule.positive) == set()


SPELLINGS = {
    "As a large language model trained by OpenAI, I do not have personal opinions.": "self-as-model",
    "As an AI assistant, I don’t have access to real-time data.": "self-as-model",
    "As a language model, I'm not able to browse the internet.": "self-as-model",
    "The market grew. As an artificial intelligence, I cannot predict prices.": "self-as-model",
    "I am a large language model, so I cannot taste food.": "self-is-model",
    "I’m sorry, but I can’t assist with that request.": "refusal",
    "I apologize, but I cannot fulfill this request as it violates OpenAI use policy.": "refusal",
    "Sorry, I am unable to provide the content that you asked for.": "refusal",
    "Unfortunately, I cannot complete this task.": "refusal",
    "As of my last update in January 2022, the club had 40 members.": "knowledge-cutoff",
    "As of my knowledge cutoff in 2023, it was open.": "knowledge-cutoff",
    "My training data only goes up to 2021.": "knowledge-cutoff",
    "Sure! Here's a polished version of your blog post:": "opener-delivery",
    "Certainly! Below is a 500-word article on gardening:": "opener-delivery",
    "Here is a rewritten version of the text in a friendly tone:": "opener-delivery",
    "Als KI-Sprachmodell kann ich keine persönlichen Erfahrungen haben.": "self-as-model-intl",
    "Como modelo de lenguaje, no puedo ofrecer asesoramiento médico.": "self-as-model-intl",
    "Como um modelo de linguagem, não posso prever o futuro.": "self-as-model-intl",
    "Как языковая модель, я не могу давать медицинские советы.": "self-as-model-intl",
    "Как ИИ, я не могу давать прогнозы.": "self-as-model-intl",
    "作为一个人工智能语言模型，我无法提供实时信息。": "self-as-model-intl",
    "AIとして、個人的な意見を述べることはできません。": "self-as-model-intl",
    "Je suis désolé, mais je ne peux pas répondre à cette demande.": "refusal-intl",
    "我无法满足您的请求。": "refusal-intl",
    "Stand meines letzten Updates im Jahr 2023 war das Museum offen.": "knowledge-cutoff-intl",
    "Natürlich! Hier ist eine überarbeitete Fassung des Textes:": "opener-delivery-intl",
    "当然！以下是一篇关于春天的文章：": "opener-delivery-intl",
    "The castle was built in 1228.【4:0†castle.pdf】": "assistant-source-brackets",
    "It grew \ue200cite\ue202turn0search0\ue202turn0news3\ue201 by a third.": "turn-reference",
    "It grew citeturn1search10turn0view2 by a third.": "turn-reference",
    "See filecite turn0file3 above.": "turn-reference",
    "The museum is closed.<|endoftext|>": "special-token",
    "More at https://example.org/?a=1&utm_source=openai today.": "chatgpt-link",
    "<|begin_of_text|>The river is long.": "special-token",
    "The answer is four.<｜Assistant｜>": "special-token",
    "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>Tea is a drink.": "special-token",
    '[TOOL_CALLS] [{"name": "search", "arguments": {}}]': "special-token",
    '<tool_call>\n{"name": "search"}\n</tool_call>': "tool-call-tag",
    "<think>\nOkay, a short text about tea is wanted.": "think-tag",
    "<thinking>The user wants a story.</thinking> Once there was a king.": "think-tag",
    "<userStyle>Normal</userStyle>": "claude-artifact",
    "ChatGPT can make mistakes. Check important info.": "assistant-notice",
    "ChatGPT peut faire des erreurs. Envisagez de vérifier les informations importantes.": "assistant-notice",
    "As of my last training data in 2023, the shop was open.": "knowledge-cutoff",
    "I'm sorry, but I can't help with that.": "refusal",
    "I'm unable to generate that content because it violates our content policy.": "refusal",
    "Sure, here's a possible introduction for your essay:": "opener-delivery",
    "Here's a more concise version of your paragraph:": "opener-delivery",
    "Desculpe, mas não posso ajudar com isso.": "refusal-intl",
    "Als KI kann ich keine Rechtsberatung geben.": "self-as-model-intl",
    "En tant que modèle d'IA, je ne peux pas naviguer sur Internet.": "self-as-model-intl",
    "Como IA, no puedo dar asesoramiento legal.": "self-as-model-intl",
    "Jako model językowy AI nie mam dostępu do internetu.": "self-as-model-intl",
    "Som en AI-språkmodell har jag inga egna åsikter.": "self-as-model-intl",
    "Som AI-sprogmodel har jeg ikke adgang til internettet.": "self-as-model-intl",
    "Tekoälykielimallina minulla ei ole mielipiteitä.": "self-as-model-intl",
    "Jako jazykový model AI nemám přístup k internetu.": "self-as-model-intl",
    "Ca model lingvistic AI, nu am opinii personale.": "self-as-model-intl",
    "Mint mesterséges intelligencia nyelvi modell, nincs saját véleményem.": "self-as-model-intl",
    "Ως γλωσσικό μοντέλο τεχνητής νοημοσύνης, δεν έχω προσωπικές απόψεις.": "self-as-model-intl",
    "Як мовна модель ШІ, я не маю доступу до інтернету.": "self-as-model-intl",
    "Là một mô hình ngôn ngữ AI, tôi không có ý kiến cá nhân.": "self-as-model-intl",
    "ในฐานะโมเดลภาษา AI ฉันไม่มีความคิดเห็นส่วนตัว": "self-as-model-intl",
    "एक एआई भाषा मॉडल के रूप में, मेरे पास व्यक्तिगत राय नहीं है।": "self-as-model-intl",
    "به عنوان یک مدل زبانی هوش مصنوعی، من نظر شخصی ندارم.": "self-as-model-intl",
    "作为一个大型语言模型，我无法访问实时数据。": "self-as-model-intl",
    "作為一個 AI 語言模型，我無法提供醫療建議。": "self-as-model-intl",
}


@pytest.mark.parametrize("text", SPELLINGS)
def test_other_spellings_are_found_in_running_text(text: str) -> None:
    assert may_have_residue(pa.array([text], pa.large_string()), np.ones(1, np.bool_))[0]
    assert SPELLINGS[text] in hits(f"The town lies by the river.\n\n{text}\n\nIn summer many visitors come.")


ABOUT = {
    "quoted in news": "The bot answered: “As an AI language model, I have no opinion”, the reporter wrote.",
    "straight quotes": 'Students handed in essays with "As an AI language model, I cannot" in the first line.',
    "French quotes": "Le robot a répondu : « En tant que modèle de langage, je ne peux pas voter ».",
    "German quotes": "Der Bot schrieb: „Als KI-Sprachmodell kann ich das nicht beurteilen.“ Dann schwieg er.",
    "Chinese quotes": "机器人回答：“作为一个人工智能语言模型，我无法回答。”",
    "Japanese quotes": "ボットは「AIとして、個人的な意見を述べることはできません。」と答えた。",
    "a guide to signs": "Signs of AI writing. ChatGPT may leave codes such as citeturn0search0 or :contentReference[oaicite:0]{index=0}; "
    "Gemini leaves [cite: 1, 2]; Grok leaves grok_card tags.",
    "catalogue without an introduction": "oaicite:0\n[cite: 1, 2]\ngrok_card\n[attached_file:1]\nppl-ai-file-upload.s3.amazonaws.com",
    "a bug report": "Copying an answer from ChatGPT leaves markup like citeturn0search0 in my prompts. OpenAI should fix this chatbot.",
    "back quotes": "We remove `:contentReference[oaicite:0]{index=0}` and `</think>` from the answers.",
    "fenced code": "Example:\n```\n<|im_start|>user\nHello<|im_end|>\n```\nThat is all.",
    "indented code": "Use the template:\n\n    <|im_start|>user\n    Hello<|im_end|>\n",
    "a regular expression": 'pattern = re.compile(r"turn0search0|</think>")',
    "a novel": "“I am an AI,” said the ship, “and I cannot help with that request.” She laughed.",
    "a paper on refusals": "Language models often refuse. We count replies that begin with I'm sorry, but I cannot fulfill this request, and prompts that avoid them.",
    "a talk": "As an AI language model researcher, I work on evaluation. As an AI company, we hire.",
    "a waiter": "“Certainly! Here is the menu,” the waiter said. Sure! Here we go again.",
    "a letter template": "Dear [Your Name], this is a test of the form.",
    "interface text": "The film's placeholder [Date] stays. Let me know if you come on Sunday.",
    "customer service": "We are sorry, but we cannot fulfill this request before June. I cannot provide a date, he said.",
    "a link to the tool": "ChatGPT (https://chatgpt.com/) declined to comment.",
    "games": "In turn0 you draw, in turn1 you search. The turn 0 search 1 rule is gone.",
    "Japanese brackets": "【重要】お知らせ【1】†",
    "Spanish news": "El asistente respondió: «Como modelo de lenguaje, no puedo opinar».",
    "Russian news": "Бот ответил: «Как языковая модель, я не могу давать советы».",
    "Russian guide": "Признаки текста нейросети, например фраза Как языковая модель, я не могу ответить, часто встречаются у ChatGPT.",
    "Portuguese news": "O chatbot disse: “Como um modelo de linguagem, não posso votar”.",
    "template documentation": "The chat template puts each message between <|im_start|> and <|im_end|>. The tokenizer adds them, so do not write them by hand. Gemma ends a turn with <end_of_turn>.",
    "parser documentation": "The models mark tool use with [TOOL_CALLS] [{...}] in their output, which our parser removes.",
    "tool documentation": "To call a tool the language model writes\n\n<tool_call>\n{}\n</tool_call>\n\nand the server parses the prompt's reply.",
    "an operator": "The pipe operator and <|user|> are shown in the table of our grammar.",
    "reasoning explained": "DeepSeek writes its reasoning between <think> and </think>. Other language models hide it.",
    "an expert speaks": "Als KI-Expertin kann ich sagen: Die Technik ist reif. Als KI-Unternehmen haben wir Kunden.",
    "a list of subjects": "Tecnologías como IA, no tengo dudas, cambiarán el empleo. Temas como IA, no solo en la empresa, preocupan.",
    "a Chinese engineer": "作为一名人工智能工程师，我每天写代码。作为AI公司，我们的产品很多。作为一款人工智能产品，我认为它很好用。",
    "a Japanese researcher": "AI研究者として、私はこの結果に驚きません。",
    "a Swedish researcher": "Som språkmodellforskare har jag sett mycket. Som en språkmodell i skolan har jag alltid använt sagor.",
    "teachers everywhere": "Là một giáo viên, tôi không có thời gian. एक शिक्षक के रूप में, मेरे पास समय नहीं है। Ως δάσκαλος, δεν έχω χρόνο. Mint nyelvi tanár, nincs időm.",
    "an old phone": "I cannot browse the internet on my old phone since May. Let me know if you have any ideas.",
    "a colleague's mail": "Sure, here's the report you asked for. Sure, here's my answer: never.",
    "an erratum": "Here is a corrected version of the table in our May paper:\n\nHere is the revised version of our list for 2024:",
    "a translator": "Here is an improved translation of the poem by my father:",
    "a treasurer": "As of my last update in March, the club had 40 members.",
    "a hero of a novel": "I'm sorry, but I can't help with that, he said and closed the door.",
    "a warning in the press": "ChatGPT can make mistakes, OpenAI warns. Check important facts yourself.",
    "a moderated page": "The page says it was removed because it violates our content policy.",
    "other brackets": "1.e4 e5 [cite: Smith] and [web: chessbase]. It is said[citation needed]. Siehe dort.[^1]",
    "model list": "Special tokens of the language model: <|im_start|> and <|im_end|> frame a turn, OpenAI's chat prompts need both.",
}


@pytest.mark.parametrize("case", ABOUT)
def test_texts_about_chat_tools_give_nothing(case: str) -> None:
    assert hits(ABOUT[case]) == set()
    assert hits("Here is some news.\n\n" + ABOUT[case] + "\n\nMore tomorrow.") == set()


def test_a_rule_may_have_many_anchors_and_still_be_looked_for_in_one_pass() -> None:
    """Every anchor is found by the kernel, whatever other anchors its probe collides with."""
    for scope in ("text", "markup"):
        texts = [
            f"xx {anchor} yy" for rule in RULES if rule.scope in (scope, "both") for anchor in rule.anchors
        ]
        found = may_have_residue(pa.array(texts, pa.large_string()), np.ones(len(texts), np.bool_), scope)
        assert found.all(), [text for text, ok in zip(texts, found, strict=True) if not ok]


def test_markup_tells_code_and_quotations_from_running_text() -> None:
    text = "The answer ended with :contentReference[oaicite:0]{index=0} and nobody saw it."
    assert hits(text, f"<p>{text}</p>") == {"oaicite"}
    for element in ("code", "pre", "blockquote", "q", "textarea"):
        assert hits(text, f"<p>x</p><{element} class=a>{text}</{element}>") == set()


def test_escaped_elements_are_not_elements() -> None:
    assert hits("", "<p>Fell.<grok-card data-id='a'></grok-card></p>") == {"grok-card-markup"}
    assert hits("", "<p>&lt;grok-card data-id='a'&gt;</p>") == set()
    assert hits("", "<script>var x = '<grok-card data-id=1>';</script>") == set()


def test_a_link_says_less_than_a_statement_and_all_residue_together_is_bounded() -> None:
    link = find_residue("See https://example.org/?utm_source=chatgpt.com now.")
    said = find_residue("As an AI language model, I cannot verify this.")
    everything = find_residue(
        "\n\n".join(rule.positive for rule in RULES if rule.vendor in ("openai", "any"))
    )
    assert 0 <= evidence(link)[0] < evidence(said)[0] < evidence(everything)[0] <= EVIDENCE_LIMIT


def test_marks_name_the_rule_and_the_place() -> None:
    assert marks("Tea is a drink. citeturn0search2") == [
        {"signal": "residue", "value": "turn-reference", "where": "char 16"}
    ]


@pytest.mark.parametrize(
    "hostile",
    ["turn0search0 " * 80_000, "oaicite:" * 100_000, "certainly! " * 100_000, "[your " * 150_000, "as an ai " * 100_000, "\ue200cite" * 100_000,
     "I" + " am an ai" * 100_000, '"' * 500_000 + "turn0search0", "`" * 300_000 + "</think>", "İ" * 100_000 + " oaicite:1",
     "Here is a more more " * 50_000, "Als KI-Sprachmodell " * 50_000, "<|im_start|>" * 80_000, "作为 ai" * 100_000, "I don't have access to real-time" * 30_000],
)  # fmt: skip
def test_hostile_texts_are_bounded(hostile: str) -> None:
    assert len(find_residue(hostile, hostile.encode())) <= 4 * CANDIDATES
    assert len(marks(hostile)) <= 64


def test_human_texts_of_the_development_crawl_give_nothing(shared: Path) -> None:
    truth = pq.read_table(
        shared / "data/web/crawl/truth.parquet", columns=["kind", "label", "text"]
    ).to_pylist()
    human = [row["text"] for row in truth if row["label"] == "human" and row["text"]]
    batch = pa.record_batch({"text": pa.array(human, pa.large_string())})
    signals = [mark for row in Marks()(batch)[0].to_pylist() for mark in row if mark["signal"] == "residue"]
    assert len(human) > 400
    assert signals == []
