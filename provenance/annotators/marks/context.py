"""Whether a phrase is used or only mentioned: quotation marks, code, introductions, and what the text is about.

Extraction loses most markup, so each test is made on the characters around the phrase; all are bounded in reach.
"""

# ruff: noqa: E501 (patterns read better whole)

from __future__ import annotations

import re
from typing import Final

#: Characters before a phrase in which an open quotation or an introduction is looked for, and around it for topics.
QUOTE_REACH: Final = 300
TOPIC_REACH: Final = 700

#: Opening quotation marks and what may close each. A mark that closes one language's quotation opens another's
#: (German „…“ and »…«, French «…», Swedish ”…”), so the text is read from its left: a mark that can close what is open
#: closes it, and opens a quotation only otherwise.
_PAIRS: Final = {
    "“": "”",
    "«": "»",
    "»": "«",
    "„": "“”‟",
    "「": "」",
    "『": "』",
    "‹": "›",
    "›": "‹",
    "‚": "‘’",
    "《": "》",
    "‘": "’",
}
_CODE_LINE: Final = re.compile(
    r"""^(?: {4}|\t|>|\$ |#!|//|/\*)|\b(?:re\.compile|grep|regexp?|def|const|var|let|return|print|assert|echo)\b.{0,40}["'/(]|[=(\[,]\s*r?["']"""
)
#: Words that speak of a phrase, just before it (a token may follow any sentence: only those about code count for it).
_SPEAKS: Final = re.compile(
    r"(?:\b(?:such as|phrases?|for example|for instance|prompts?|strings?|placeholders?|says?|said|saying|replie[sd]|replying|answer(?:s|ed|ing)|"
    r"respond(?:s|ed|ing)|wr[io]tes?|reads?|reading|output(?:s|ting)?|(?:begin|start|open|end)(?:s|ning|ing)? with|containing|looks? like|like this|search(?:ing|ed)? for|the (?:words?|sentence|text|"
    r"message|line|disclaimer|reply|answer|response)|known as|called|titled|entitled|instead of|told (?:me|us|him|her|them)|"
    r"comme|par exemple|phrases? (?:comme|du type)|a répondu|dit|wie|zum Beispiel|sagte|antwortete|Satz|Sätze|como|por ejemplo|por exemplo|frases?|respondió|respondeu|dice|diz|"
    r"come|ad esempio|frasi|ha risposto|zoals|bijvoorbeeld|na przykład|odpowiedział|takie jak)\b|"
    r"например|\be\.g\.|\bz\. ?B\.|\bnp\.|фраз\w*|ответил\w*|пишет|вроде|例如|比如|诸如|回答说?|说道?|のような|たとえば|例えば|예를 들어|같은)[^.!?\n。！？]{0,25}$",
    re.IGNORECASE,
)
_SPEAKS_OF_TOKEN: Final = re.compile(
    r"(?:\b(?:codes?|tokens?|strings?|markup|placeholders?|artifacts?|artefacts?|tags?|markers?|residue|leftovers?|gibberish|sequences?|labels?|bugs?|parameters?|snippets?|patterns?|traces?|"
    r"phrases?|remnants?|fragments?|regex|Zeichenfolgen?|Platzhalter|balises?|jetons?|chaînes?|cadenas?|etiquetas?|marcadores|stringhe|marcatori)\b|"
    r"строк\w*|код\w*|метк\w*|标记|代码|字符串?|文字列|コード|タグ|토큰|문자열)"
    r"[^.!?\n。！？]{0,20}(?:\bsuch as|\blike|\be\.g\.|\bfor example|:|\bcalled|\bnamed|\breads?|\bas|\bwie|\bcomme|\bcomo|\bcome|\(|типа|вроде|например|如|の|、|,)[^.!?\n。！？]{0,60}$",
    re.IGNORECASE,
)
_TOPICS: Final = (
    r"chat ?gpt|\bgpt-?[345]",
    r"open ?ai\b",
    r"chat ?bots?\b",
    r"language models?\b|\bllms?\b|modèles? de langage|sprachmodell|modelos? de lengua|modelos? de linguagem|языков\w+ модел|语言模型|語言模型|言語モデル|언어 모델",
    r"\bgemini\b",
    r"\bclaude\b|\banthropic\b",
    r"\bgrok\b",
    r"\bcopilot\b",
    r"\bperplexity\b",
    r"\bdeepseek\b",
    r"\bprompts?\b|\bprompting\b",
    r"\bai[- ](?:generated|written|detect\w*|text|content|tools?|slop)|generative ai|artificial intelligence|\bki-|\bia générative|intelligence artificielle|"
    r"inteligencia artificial|künstliche\w* intelligenz|нейросет|искусственн\w+ интеллект|人工智能|生成(?:式)?ai|人工知能|인공지능",
    r"\bhallucinat\w+|\bfine-?tun\w+|\bjailbreak\w*|\bsystem prompt|\bdetectors?\b|\bwatermark\w*",
    r"copy-?past\w+|signs of ai|tell-?tale|giveaway|leftover|boilerplate|disclaimer|refus(?:al|es|ed)\b",
)
_TOPIC: Final = re.compile("|".join(f"({topic})" for topic in _TOPICS), re.IGNORECASE)
_CODE_ELEMENTS: Final = (
    b"code",
    b"pre",
    b"kbd",
    b"samp",
    b"blockquote",
    b"q",
    b"textarea",
    b"script",
    b"style",
    b"tt",
    b"cite",
    b"template",
)


def is_quoted(text: str, start: int, end: int, token: bool) -> bool:
    """The phrase stands inside quotation marks, back quotes or code.

    A `token` may well follow a quotation in a pasted text, so for it only marks that touch it (within three
    characters) or a code line count.
    """
    left = text[max(0, start - QUOTE_REACH) : start]
    left = left[left.rfind("\n") + 1 :]
    right = text[end : end + QUOTE_REACH].split("\n", 1)[0]
    if text.count("```", 0, start) % 2 or (left.count("`") % 2 and "`" in right):
        return True
    if _CODE_LINE.search(left[-120:]):
        return True
    near = left[-3:] if token else left
    if _is_open(near):
        return True
    if near.rstrip(":( ")[-1:] in ('"', "'") and near[-1:] != " ":
        return True
    return not token and left.count('"') % 2 == 1 and '"' in text[start : end + QUOTE_REACH].split("\n", 1)[0]


def _is_open(left: str) -> bool:
    """A quotation has begun in `left` and not ended; an ending whose beginning is not there opens none."""
    open_marks: list[str] = []
    for at, char in enumerate(left):
        if open_marks and char in _PAIRS[open_marks[-1]]:
            open_marks.pop()
        elif char in _PAIRS and _may_open(left, at):
            open_marks.append(char)
    return bool(open_marks)


def _may_open(left: str, at: int) -> bool:
    """A mark right after a letter (but of a script without spaces) or a sentence's end closes; before a space, too."""
    before, after = left[at - 1 : at], left[at + 1 : at + 2]
    if before in tuple(".!?…") or (before.isalnum() and before < "\u2e80"):
        return False
    return not after.isspace() or (left[at] == "«" and after != "\n")  # French sets a space inside


def is_discussed(text: str, start: int, token: bool) -> bool:
    """The sentence introduces the phrase as something said, shown or looked for."""
    left = text[max(0, start - 140) : start]
    return bool((_SPEAKS_OF_TOKEN if token else _SPEAKS).search(left[left.rfind("\n\n") + 1 :]))


def is_mentioned(text: str, start: int) -> bool:
    """A control token is a word of the sentence: after a space, within a line, with no sentence ended before it."""
    left = text[max(0, start - 40) : start]
    line = left[left.rfind("\n") + 1 :]
    return bool(line.strip()) and line[-1:] in " (" and line.rstrip()[-1:] not in ".!?…:。！？>]"


def topics_near(text: str, start: int, end: int) -> int:
    """How many different subjects of the chat tools' world are named around the phrase (itself and its kin excluded)."""
    around = text[max(0, start - TOPIC_REACH) : start] + "\n" + text[end : end + TOPIC_REACH]
    return len({match.lastindex for match in _TOPIC.finditer(around)})


def in_code_element(markup: bytes, found: str) -> bool:
    """The page's markup shows the phrase only inside code, quotation or script elements (False where it is not found)."""
    needle = found.encode("utf-8", "ignore")[:24]
    at, seen = markup.find(needle), 0
    if at < 0:
        return False
    while at >= 0 and seen < 8:
        before = markup[max(0, at - 4000) : at].lower()
        if not any(
            max(before.rfind(b"<" + name + b">"), before.rfind(b"<" + name + b" "))
            > before.rfind(b"</" + name)
            for name in _CODE_ELEMENTS
        ):
            return False
        at, seen = markup.find(needle, at + 1), seen + 1
    return True
