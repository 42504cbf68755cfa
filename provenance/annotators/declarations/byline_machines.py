"""What machines that write are called, language by language, as parts of the patterns of bylines.

Names that people bear too count only where nothing goes on that makes a person, a place or a firm of them.
"""

from __future__ import annotations

#: Names that people bear too count only where nothing goes on: not Claude Monet, Claude's brother, Gemini astrology.
_NAMES = (
    r"(?:Claude|Gemini|Llama|Copilot)(?: (?:Opus|Sonnet|Haiku|Pro|Flash|Ultra|Advanced|AI|\d[\d.]*)){0,3}"
    r"(?=\s*(?:[.,;:!?)\]|。]|\Z|\n|(?:and|und|et|y|e|i|en|и) |[가-힣ぁ-んァ-ヶ一-鿿]))"
)
TOOL = rf"(?:ChatGPT|GPT-?\d[\w.]{{0,4}}|OpenAI|DeepSeek|{_NAMES})"
AI = (
    r"(?:(?:an? |the |our )?(?:generative |large )?(?:AI|A\.I\.|artificial intelligence|language model|LLM)(?![\w-])"
    rf"(?: (?:tools?|models?|systems?|software|assistants?))?|(?:the )?{TOOL}(?![\w-]))"
)
AI_ALONE = r"(?:(?:generative )?(?:AI|A\.I\.)|artificial intelligence|ChatGPT|GPT-?\d[\w.]{0,4})(?: tools?)?"
KI = (
    rf"(?:(?:eine[rs]? |der |die |des )?(?:generative[rn]? )?(?:KI|AI|künstliche[rn]? intelligenz|sprachmodells?|{TOOL})(?!\w)"
    r"(?:-(?:tools?|systems?|modells?|software|werkzeug(?:en|s)?))?)"
)
IA_FR = rf"(?:(?:une? |l['’]|d['’]une |de l['’]|d['’])?(?:IA|AI|intelligence artificielle|modèle de langage|{TOOL})(?!\w))"
IA_ES = rf"(?:(?:una |la |un )?(?:IA|inteligencia artificial|modelo de lenguaje|{TOOL})(?!\w))"
IA_PT = rf"(?:(?:uma? |a )?(?:IA|inteligência artificial|modelo de linguagem|{TOOL})(?!\w))"
IA_IT = rf"(?:(?:l['’] ?|un['’] ?|una )?(?:IA|AI|intelligenza artificiale|modello linguistico|{TOOL})(?!\w))"
SI = rf"(?:(?:AI|SI|sztuczn(?:ą|ej) inteligencj(?:ę|ą|i)|model(?:u)? językow(?:y|ego)|{TOOL})(?!\w))"
AI_NL = rf"(?:(?:een )?(?:AI|kunstmatige intelligentie|taalmodel|{TOOL})(?!\w))"
II = rf"(?:(?:ИИ|AI|нейросет(?:ью|и|ей)|искусственн(?:ым|ого) интеллект(?:ом|а)|языков(?:ой|ою) модел(?:ью|и)|{TOOL})(?!\w))"
ZH = r"(?:生成式)?(?:AI|人工智能|人工智慧|大模型|大语言模型|ChatGPT|GPT-?\d[\w.]{0,4}|DeepSeek|Claude|Gemini)(?:大模型|模型|工具|技术|技術)?"
JA = r"(?:生成)?(?:AI|人工知能|ChatGPT|GPT-?\d[\w.]{0,4}|Claude|Gemini)(?:ツール|技術|モデル)?"
KO = r"(?:생성형\s?)?(?:AI|인공지능|챗GPT|ChatGPT|GPT-?\d[\w.]{0,4}|Claude|Gemini)(?:\s?(?:모델|기술|도구))?(?:\([A-Za-z ]{2,12}\))?"
#: What goes before a machine that helped.
HELP = r"(?:the )?(?:help|assistance|aid|support|use) of "
