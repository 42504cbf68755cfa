"""How bylines read, language by language: "this article was written by AI", "… with the help of AI", "AI-generated text".

A statement needs a subject that is this very text, a verb of making and a machine; labels stand alone in their line. What
lies around a statement (reports, denials, questions) is judged by `bylines`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from provenance.annotators.declarations.byline_labels import HELPED_BEGINS, LABEL, LABEL_BEGINS, LABEL_OF_HELP
from provenance.annotators.declarations.byline_machines import (
    AI,
    AI_ALONE,
    AI_NL,
    HELP,
    IA_ES,
    IA_FR,
    IA_IT,
    IA_PT,
    II,
    JA,
    KI,
    KO,
    SI,
    TOOL,
    ZH,
)

GENERATED = "ai-generated"
ASSISTED = "ai-assisted"


@dataclass(frozen=True)
class Byline:
    """A kind of statement: how it reads, what it says, and the words (small letters) that it begins with; () for any."""

    expression: str
    signal: str
    begins: tuple[str, ...]

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The expression, compiled when a text first has one of the words: all of them take a fifth of a second."""
        return re.compile(self.expression, re.IGNORECASE)


#: Not inside a quotation or a word; what else may stand before, `bylines` judges.
_FREE = r"(?<![\"“„«‹»‘'\w])"
#: Where a sentence begins: there languages without articles say "text" for "this text".
_BEGIN = r"(?:\A|(?<=\n)|(?<=[.!?:] ))"
_NOUN = (
    r"(?:(?!was |is )[a-z]{3,12} ){0,2}?(?:articles?|texts?|posts?|stor(?:y|ies)|pages?|summar(?:y|ies)|content|reports?|pieces?|"
    r"recipes?|transcripts?|emails?|news|poems?|tutorials?|profiles?|overviews?|comments?|captions?|translations?|reviews?|descriptions?|newsletters?|recaps?|abstracts?|entr(?:y|ies)|answers?|essays?|guides?)"
)
_BE = r"(?:was|were|is|are|has been|have been)"
_MADE = r"(?:written|generated|created|produced|authored|drafted|composed)"
_HOW = r"(?:(?:fully|entirely|automatically|completely|originally|partly|partially|largely|mostly|100%|\w{4,12} and) )?"
_SUBJECT = rf"{_FREE}(?:(?:the|all) (?:text|content|body) (?:of|on|in) )?(?:this|these|the following|the above) {_NOUN} "
_ENGLISH = (
    (rf"{_SUBJECT}{_BE} {_HOW}{_MADE} (?:entirely |automatically )?(?:by|using) {AI}", GENERATED),
    (rf"{_SUBJECT}{_BE} {_HOW}AI[- ](?:generated|written|created|produced|authored)(?!\w)", GENERATED),
    (rf"{_SUBJECT}{_BE} {_HOW}AI[- ]assisted(?!\w)", ASSISTED),
    (rf"{_SUBJECT}{_BE} {_HOW}(?:co-)?(?:\w{{4,12}} )?(?:and \w{{4,12}} )?with (?:{HELP})?{AI}(?: assistance| support| help)?", ASSISTED),
    (rf"{_SUBJECT}{_BE} {_HOW}(?:translated|edited|proofread|summari[sz]ed|co-written|rewritten|polished) (?:by|using) {AI}", ASSISTED),
    (rf"{_SUBJECT}(?:may )?(?:contains?|includes?) (?:some )?AI[- ]generated (?:text|content|passages|parts)(?!\w)", ASSISTED),
    (rf"{_FREE}(?:some|much|most) of the (?:text|content|copy) (?:of|on|in) (?:this|these) {_NOUN} {_BE} {_HOW}{_MADE} (?:by|using|with) {AI}", ASSISTED),
    (rf"{_FREE}(?:{AI_ALONE} (?:was|were|ha(?:s|ve) been)|(?:we|I) (?:have )?) ?used (?:{AI_ALONE} )?to (?:help )?(?:us |me )?(?:write|draft|create|generate|produce|edit|translate|summari[sz]e) "
     rf"(?:(?:parts?|portions|sections|some) of )?(?:this|these) {_NOUN}(?!\w)", ASSISTED),
    (rf"{_FREE}(?<!no )(?:some )?(?:parts?|portions?|sections?) of (?:this|these) {_NOUN} {_BE} {_HOW}{_MADE} (?:by|using|with) {AI}", ASSISTED),
)  # fmt: skip
_DE_THIS = (
    _FREE
    + r"diese[rs]? (?:gesamte |ganze )?(?:blog)?(?:artikel|texte?|beitrag|inhalte?|zusammenfassung|meldung|seite|bericht|geschichte|übersetzung|rezension|beschreibung|newsletter) "
)
_DE_HOW = r"(?:(?:vollständig|komplett|ganz|automatisch|automatisiert|maschinell|teilweise) )?"
_DE_WITH = r"(?:mit ?hilfe (?:von )?|mit (?:der )?(?:hilfe|unterstützung) (?:von |durch )?|unter (?:verwendung|einsatz) (?:von )?|mit )"
_DE_MADE = r"(?:erstellt|geschrieben|generiert|verfasst|erzeugt|produziert|formuliert)"
_GERMAN = (
    (rf"{_DE_THIS}(?:wurden?|ist|sind) {_DE_HOW}(?:von|durch) {KI} {_DE_HOW}{_DE_MADE}", GENERATED),
    (rf"{_DE_THIS}(?:wurden?|ist|sind) {_DE_HOW}(?:KI|AI)-generiert", GENERATED),
    (rf"{_DE_THIS}(?:wurden?|ist|sind) {_DE_HOW}{_DE_WITH}"
     rf"{KI}(?:-unterstützung)? {_DE_HOW}(?:{_DE_MADE}|übersetzt|überarbeitet|lektoriert|entstanden)", ASSISTED),
    (rf"{_DE_THIS}(?:wurden?|ist|sind) {_DE_HOW}(?:von|durch) {KI} {_DE_HOW}(?:übersetzt|lektoriert|überarbeitet)", ASSISTED),
    (rf"{_DE_THIS}entstand(?:en)? {_DE_HOW}{_DE_WITH}{KI}", ASSISTED),
    (rf"{_FREE}(?:für|bei) diese[nmrs]? (?:artikel|text|beitrag|seite|übersetzung|zusammenfassung) (?:wurden?|haben wir) {KI} (?:eingesetzt|verwendet|genutzt)", ASSISTED),
    # In a clause of its own ("please note that …") the verb comes last.
    (rf"{_DE_THIS}{_DE_HOW}(?:von|durch) {KI} {_DE_HOW}{_DE_MADE} (?:wurden?|worden)", GENERATED),
    (rf"{_DE_THIS}{_DE_HOW}(?:mit ?hilfe (?:von )?|mit (?:der )?(?:hilfe|unterstützung) (?:von |durch )?|mit ){KI}(?:-unterstützung)? {_DE_HOW}{_DE_MADE} (?:wurden?|worden)", ASSISTED),
)  # fmt: skip
_FR_THIS = (
    _FREE
    + r"(?:cet article|ce (?:texte|contenu|résumé|billet|document|compte[- ]rendu)|cette (?:page|traduction|synthèse|dépêche|description|publication)) "
)
_FR_HOW = r"(?:(?:entièrement|automatiquement|intégralement|partiellement|en partie) )?"
_FR_MADE = r"(?:généré|rédigé|écrit|créé|produit)e? " + _FR_HOW
_FRENCH = (
    (rf"{_FR_THIS}(?:a été|est) {_FR_HOW}{_FR_MADE}par {IA_FR}", GENERATED),
    (rf"{_FR_THIS}(?:a été|est) {_FR_HOW}(?:{_FR_MADE}|(?:traduit|relu|corrigé|résumé)e? )(?:avec |grâce à |à )(?:l['’](?:aide|appui|assistance) (?:de |d['’])?)?{IA_FR}", ASSISTED),
    (rf"{_FR_THIS}(?:a été|est) {_FR_HOW}(?:traduit|relu|corrigé|résumé)e? {_FR_HOW}par {IA_FR}", ASSISTED),
)  # fmt: skip
_ES_THIS = (
    _FREE
    + r"(?:este|esta) (?:artículo|texto|contenido|resumen|noticia|página|nota|post|entrada|reseña|publicación|traducción|informe|historia) "
)
_ES_HOW = r"(?:(?:total|íntegra|automática|parcial|completa)mente )?"
_ES_MADE = r"(?:generad|escrit|cread|redactad|elaborad|producid|realizad)[oa] " + _ES_HOW
_SPANISH = (
    (rf"{_ES_THIS}(?:fue|ha sido|está|es) {_ES_HOW}{_ES_MADE}(?:por|con|mediante|usando) {IA_ES}", GENERATED),
    (rf"{_ES_THIS}(?:fue|ha sido|está|es) {_ES_HOW}(?:{_ES_MADE}|(?:traducid|revisad|resumid)[oa] )(?:con|gracias a) (?:la |el )?(?:ayuda|asistencia|apoyo|uso) de {IA_ES}", ASSISTED),
    (rf"{_ES_THIS}(?:fue|ha sido) {_ES_HOW}(?:traducid|revisad|resumid)[oa] (?:por|con|mediante) {IA_ES}", ASSISTED),
)  # fmt: skip
_PT_THIS = (
    _FREE
    + r"(?:este|esta|esse|essa) (?:artigo|texto|conteúdo|matéria|notícia|resumo|página|post|reportagem|publicação|tradução) "
)
_PT_HOW = r"(?:(?:total|automatica|parcial|completa|inteira)mente )?"
_PT_MADE = r"(?:gerad|escrit|criad|redigid|produzid|elaborad|realizad)[oa] " + _PT_HOW
_PORTUGUESE = (
    (rf"{_PT_THIS}(?:foi|é) {_PT_HOW}{_PT_MADE}(?:por|com|pel[ao]) {IA_PT}", GENERATED),
    (rf"{_PT_THIS}(?:foi|é) {_PT_HOW}(?:{_PT_MADE}|(?:traduzid|revisad|resumid)[oa] )(?:com|por meio d[oa]) (?:o |a )?(?:auxílio|ajuda|apoio|assistência|suporte|uso) d[aeo] {IA_PT}", ASSISTED),
    (rf"{_PT_THIS}foi {_PT_HOW}(?:traduzid|revisad|resumid)[oa] (?:por|com|pel[ao]) {IA_PT}", ASSISTED),
)  # fmt: skip
_IT_THIS = (
    _FREE
    + r"quest(?:o|a|['’]) ?(?:articolo|testo|contenuto|pagina|riassunto|notizia|post|traduzione|recensione|sintesi|opinione) "
)
_IT_HOW = r"(?:(?:interamente|automaticamente|parzialmente|completamente) )?"
_IT_MADE = r"(?:generat|scritt|creat|redatt|prodott|realizzat)[oa] " + _IT_HOW
_ITALIAN = (
    (rf"{_IT_THIS}è (?:stat[oa] )?{_IT_HOW}{_IT_MADE}(?:da |dall['’] ?|dalla |con |tramite ){IA_IT}", GENERATED),
    (rf"{_IT_THIS}è stat[oa] {_IT_HOW}(?:{_IT_MADE}|(?:tradott|rivist|riassunt)[oa] )(?:con|grazie a) ?(?:l['’] ?|il )?(?:aiuto|ausilio|assistenza|supporto|contributo) (?:di |della |dell['’] ?|d['’] ?){IA_IT}", ASSISTED),
    (rf"{_IT_THIS}è stat[oa] {_IT_HOW}(?:tradott|rivist|riassunt)[oa] (?:da |dall['’] ?|con ){IA_IT}", ASSISTED),
)  # fmt: skip
_PL_THIS = rf"(?:{_FREE}(?:ten|ta|to|niniejszy|niniejsza|niniejsze) |{_BEGIN})(?:artykuł|tekst|wpis|materiał|streszczenie|treść|podsumowanie|opis|strona|recenzja|tłumaczenie) "
_PL_HOW = r"(?:(?:w całości|automatycznie|częściowo|w pełni) )?"
_PL_MADE = r"(?:wygenerowan|napisan|stworzon|utworzon|przygotowan|opracowan)(?:y|a|e) " + _PL_HOW
_PL_HELP = r"(?:z |przy )(?:pomoc[ąy]|wsparci(?:em|u)|użyci(?:em|u)|wykorzystani(?:em|u)|udziale) "
_POLISH = (
    (rf"{_PL_THIS}został[ao]? {_PL_HOW}{_PL_MADE}przez {SI}", GENERATED),
    (rf"{_PL_THIS}(?:został[ao]? {_PL_HOW}(?:{_PL_MADE}|przetłumaczon[yae] )|powstał[ao]? ){_PL_HELP}{SI}", ASSISTED),
)  # fmt: skip
_NL_THIS = (
    _FREE
    + r"(?:dit (?:artikel|bericht|stuk|verhaal)|deze (?:tekst|inhoud|samenvatting|pagina|blog|vertaling|nieuwsbrief)) "
)
_NL_HOW = r"(?:(?:volledig|automatisch|deels|gedeeltelijk) )?"
_NL_MADE = r"(?:gegenereerd|geschreven|gemaakt|opgesteld)"
_NL_WORKED = rf"(?:{_NL_MADE}|vertaald|samengevat)"
_NL_HELP = r"(?:met (?:de )?(?:behulp|hulp|ondersteuning) van |met )"
_DUTCH = (
    (rf"{_NL_THIS}(?:is|werd) {_NL_HOW}(?:door {AI_NL} {_NL_HOW}{_NL_MADE}|{_NL_MADE} door {AI_NL})", GENERATED),
    (rf"{_NL_THIS}(?:is|werd) {_NL_HOW}(?:{_NL_HELP}{AI_NL} {_NL_HOW}{_NL_WORKED}|{_NL_WORKED} {_NL_HELP}{AI_NL})", ASSISTED),
    (rf"{_NL_THIS}(?:is|werd) {_NL_HOW}(?:door {AI_NL} {_NL_HOW}(?:vertaald|samengevat)|(?:vertaald|samengevat) door {AI_NL})", ASSISTED),
)  # fmt: skip
_RU_THIS = rf"(?:{_FREE}(?:эт(?:а|от|о) |данн(?:ая|ый|ое) )|{_BEGIN})(?:статья|текст|материал|обзор|пост|перевод|пересказ|описание|резюме|новость) "
_RU_HOW = r"(?:(?:полностью|автоматически|частично|целиком) )?"
_RU_MADE = r"(?:был[аио]? )?" + _RU_HOW + r"(?:написан|создан|подготовлен|составлен)[аоы]? "
_RU_MADE_UP = r"(?:был[аио]? )?" + _RU_HOW + r"сгенерирован[аоы]? "
_RU_HELP = r"(?:с помощью|при помощи|с использованием|при участии|с применением) "
_RUSSIAN = (
    (rf"{_RU_THIS}(?:{_RU_MADE}|{_RU_MADE_UP}(?:{_RU_HELP})?){II}", GENERATED),
    (rf"{_RU_THIS}(?:{_RU_MADE}|(?:был[аио]? )?переведен[аоы]? ){_RU_HELP}{II}", ASSISTED),
)
_ZH_THIS = r"(?<![部分])(?:[本此该這这](?:篇|个|份)?(?:文章?|内容|內容|页面|頁面|摘要|总结|總結|报告|報告|回答|翻译|稿件?|新闻|新聞)|(?:以上|以下)?(?:内容|內容)|(?:以上|以下)(?:回答|文字|文章)|全文)(?:均|皆|全部|完全)?"
_ZH_USING = r"(?:由|是由|为|使用|通过|透過|利用|借助|藉助|在)\s?"
_ZH_MADE = r"(?:自动|自動)?(?:生成|撰写|撰寫|创作|創作|编写|編寫|写成)(?!的(?!内容|內容|文章|文本|稿))"
_CHINESE = (
    (rf"{_ZH_THIS}{_ZH_USING}{ZH}\s?{_ZH_MADE}", GENERATED),
    (
        rf"{_ZH_THIS}{_ZH_USING}{ZH}\s?的?(?:辅助|輔助|协助|協助|帮助|幫助|润色|潤色|翻译|翻譯|校对|參與|参与)",
        ASSISTED,
    ),
    (
        rf"[本此该這这](?:文章?|页面?|頁面?)(?:的)?(?:部分|部份)(?:内容|內容|文字|段落)?{_ZH_USING}{ZH}\s?{_ZH_MADE}",
        ASSISTED,
    ),
)
_JA_THIS = r"(?:この|本)(?:記事|文章|ページ|コンテンツ|要約|翻訳|投稿|レポート|ニュース|テキスト|文)(?:の(?:内容|文章|本文|大部分))?は、?"
#: Said of the text itself, not of a picture that a machine made.
_JA_DONE = r"(?:され(?:ました|た(?!\w)|ています|ている)|し(?:ました|ています|た(?!\w))|きました|いて(?:います|いる)|かれ(?:ました|ています|た(?!\w))|(?:した|された|いた)(?:もの|記事|文章|要約|コンテンツ)|しま|(?=[。．\s)）」]|\Z))"
_JAPANESE = (
    (rf"{_JA_THIS}{JA}(?:によって|により|が|で)(?:自動(?:的に)?)?(?:生成|作成|執筆|要約|書){_JA_DONE}", GENERATED),
    (rf"{_JA_THIS}(?:[^。\n]{{0,8}})?{JA}(?:を|の)(?:使用|活用|利用|用い|使っ|支援|補助|助け|サポート|協力)[^。\n]{{0,12}}(?:作成|執筆|生成|翻訳|編集|書)", ASSISTED),
    (rf"{_JA_THIS}{JA}による(?:自動|機械)?翻訳(?:です|され|した|[。）)\n]|\Z)", ASSISTED),
)  # fmt: skip
_KO_THIS = r"(?<![가-힣])(?:이|본|해당|위|아래)\s?(?:기사|글|콘텐츠|게시물|문서|요약|페이지|포스트|텍스트|보고서|번역|내용|뉴스)(?:의 내용)?(?:은|는|이|가)?\s"
_KO_DONE = r"(?:했|하였|됐|되었|됩니다|합니다|해 |하여 |(?:한|된)\s?(?:기사|글|것|콘텐츠|게시물|문서|요약|내용)(?:입니다|이다|임|[.\n]|\Z))"
_KOREAN = (
    (rf"{_KO_THIS}{KO}(?:가|이|로|으로|에 의해|에 의하여|를 통해|을 통해)\s?(?:자동으로\s?|자동\s?|전부\s?)?(?:작성|생성|제작|집필|요약){_KO_DONE}", GENERATED),
    (rf"{_KO_THIS}{KO}(?:의|를|을)\s?(?:도움|활용|이용|사용|지원|보조)(?!하지)(?! ?없이)[^.\n]{{0,8}}(?:작성|생성|제작|번역|편집)", ASSISTED),
)  # fmt: skip
#: Swedish, Danish and Norwegian.
_NORDIC_AI = rf"(?:(?:en )?(?:AI|KI|artificiell intelligens|kunstig intelligens|språkmodell|{TOOL})(?!\w))"
_NORDIC_THIS = rf"{_FREE}(?:den här|denna|denne|dette|det här) (?:artikeln?|artikkelen|texten?|teksten?|inlägget|indlægget?|innlegget|sammanfattningen|sidan) "
_NORDIC = (
    (rf"{_NORDIC_THIS}(?:är|er|har blivit|har blitt|blev|ble) (?:helt |automatiskt? )?(?:skrive[nt]|skrevet|genererad|genereret|generert|skapa[dt]|skabt|laget) (?:helt )?(?:av|af) {_NORDIC_AI}", GENERATED),
    (rf"{_NORDIC_THIS}(?:är|er|har blivit|har blitt|blev|ble) (?:delvis )?(?:skrive[nt]|skrevet|genererad|genereret|generert|skapa[dt]|skabt|laget|översatt|oversat) (?:med hjälp av|ved hjælp af|ved hjelp av|med) {_NORDIC_AI}", ASSISTED),
)  # fmt: skip
_CZECH = (
    (rf"{_FREE}(?:tento (?:článek|text|příspěvek|obsah)|tato (?:stránka|zpráva)) (?:byla? )(?:zcela |automaticky )?(?:vygenerová|napsá|vytvoře)na? (?:pomocí )?(?:umělou inteligencí|umělé inteligence|AI|{TOOL})(?!\w)", GENERATED),
)  # fmt: skip
_UKRAINIAN = (
    (rf"{_FREE}(?:ця стаття|цей (?:текст|матеріал|допис)) (?:бу(?:в|ла) )?(?:повністю )?(?:згенерован|написан|створен)[аоий]{{1,2}} (?:ШІ|штучним інтелектом|нейромережею|{TOOL})(?!\w)", GENERATED),
    (rf"{_FREE}(?:ця стаття|цей (?:текст|матеріал|допис)) (?:бу(?:в|ла) )?(?:згенерован|написан|створен|перекладен)[аоий]{{1,2}} (?:за допомогою|з використанням) (?:ШІ|штучного інтелекту|нейромережі|{TOOL})(?!\w)", ASSISTED),
)  # fmt: skip
_TURKISH = (
    (rf"{_FREE}bu (?:makale|yazı|metin|içerik|haber|özet) (?:tamamen )?(?:bir )?(?:yapay zek[aâ]|{TOOL}) (?:tarafından|ile) (?:otomatik olarak )?(?:oluşturul|yazıl|üretil|hazırlan)(?!m[ae][mdy])", GENERATED),
    (rf"{_FREE}bu (?:makale|yazı|metin|içerik|haber|özet) (?:yapay zek[aâ]|{TOOL}) (?:yardımıyla|desteğiyle|kullanılarak) (?:oluşturul|yazıl|üretil|hazırlan|çevril)(?!m[ae][mdy])", ASSISTED),
)  # fmt: skip
_INDONESIAN = (
    (rf"{_FREE}(?:artikel|tulisan|teks|konten|berita|ringkasan) ini (?:sepenuhnya )?(?:ditulis|dibuat|dihasilkan|disusun) oleh (?:AI|kecerdasan buatan|{TOOL})(?!\w)", GENERATED),
    (rf"{_FREE}(?:artikel|tulisan|teks|konten|berita|ringkasan) ini (?:ditulis|dibuat|dihasilkan|disusun|diterjemahkan) dengan (?:bantuan )?(?:AI|kecerdasan buatan|{TOOL})(?!\w)", ASSISTED),
)  # fmt: skip
_VIETNAMESE = (
    (rf"(?:{_FREE}(?:bài viết|nội dung|văn bản|bản tóm tắt) này|{_BEGIN}(?:bài viết|nội dung)) (?:đã )?được (?:tạo ra |tạo |viết |soạn )(?:hoàn toàn )?bởi (?:AI|trí tuệ nhân tạo|{TOOL})(?!\w)", GENERATED),
    (rf"{_FREE}(?:bài viết|nội dung|văn bản|bản tóm tắt) này (?:đã )?được (?:tạo ra |tạo |viết |soạn |dịch )với sự (?:hỗ trợ|trợ giúp) của (?:AI|trí tuệ nhân tạo|{TOOL})(?!\w)", ASSISTED),
)  # fmt: skip
_ARABIC = (
    (r"(?:تمت? (?:كتابة|إنشاء|توليد)|كُ?تب|أُ?نشئ) هذا (?:المقال|النص|المحتوى|الملخص) (?:بالكامل )?(?:بواسطة|من قبل) (?:ال?ذكاء الاصطناعي|ChatGPT)", GENERATED),
    (r"(?:تمت? (?:كتابة|إنشاء|ترجمة)) هذا (?:المقال|النص|المحتوى|الملخص) (?:بمساعدة|باستخدام) (?:ال?ذكاء الاصطناعي|ChatGPT)", ASSISTED),
)  # fmt: skip
_PL_BARE = tuple(
    f"{noun} "
    for noun in "artykuł tekst wpis materiał streszczenie treść podsumowanie opis strona recenzja tłumaczenie".split()
)
_RU_BARE = tuple(
    f"{noun} " for noun in "статья текст материал обзор пост перевод пересказ описание резюме новость".split()
)

#: What a statement whose machine stands last may go on with: not with what only has its name (AI Weekly, GPT-4 critics).
_GOES_ON = (
    *"and or but with in on for from at as to by using based then before after under via tool tools automatically content text".split(),
    *"et ou mais avec puis sous en à pour sur y o pero con para a e ed ma per da em sem no na com i oraz z w dla".split(),
    *"и или с в на для но после под".split(),
)
_ENDS = rf"(?!['’]s)(?![ -](?!(?:{'|'.join(_GOES_ON)})(?!\w))\w)"
_LAST = frozenset(
    {_ENGLISH, _FRENCH, _SPANISH, _PORTUGUESE, _ITALIAN, _POLISH, _RUSSIAN, _NORDIC, _CZECH, _UKRAINIAN}
)

_LANGUAGES = (
    (
        _ENGLISH,
        (
            *(
                "this ",
                "these ",
                "the following ",
                "the above ",
                "the text ",
                "the content ",
                "the body ",
                "all text ",
                "all content ",
            ),
            *(
                "some of",
                "much of",
                "most of",
                "we ",
                "i ",
                "ai ",
                "a.i. ",
                "generative ",
                "artificial ",
                "chatgpt",
                "gpt",
            ),
            *("some part", "some portion", "some section", "part of ", "parts of ", "portion", "section"),
        ),
    ),
    (_GERMAN, ("diese", "für diese", "bei diese")),
    (_FRENCH, ("cet article", "cette ", "ce ")),
    (_SPANISH, ("este ", "esta ")),
    (_PORTUGUESE, ("este ", "esta ", "esse ", "essa ")),
    (_ITALIAN, ("quest",)),
    (_POLISH, ("ten ", "ta ", "to ", "niniejsz", *_PL_BARE)),
    (_DUTCH, ("dit ", "deze ")),
    (_RUSSIAN, ("эта ", "этот ", "это ", "данн", *_RU_BARE)),
    (_CHINESE, ("本", "此", "该", "該", "這", "这", "内容", "內容", "以上", "以下", "全文")),
    (_JAPANESE, ("この", "本")),
    (_KOREAN, ("이", "본", "해당", "위", "아래")),
    (_NORDIC, ("den ", "denna ", "denne ", "dette ", "det ")),
    (_CZECH, ("tento ", "tato ")),
    (_UKRAINIAN, ("ця ", "цей ")),
    (_TURKISH, ("bu ",)),
    (_INDONESIAN, ("artikel ", "tulisan ", "teks ", "konten ", "berita ", "ringkasan ")),
    (_VIETNAMESE, ("bài ", "nội ", "văn ", "bản ")),
    (_ARABIC, ("تم", "ك", "أ")),
    (((LABEL, GENERATED),), LABEL_BEGINS),
    (((LABEL_OF_HELP, ASSISTED),), HELPED_BEGINS),
)
BYLINES = tuple(
    Byline(expression + _ENDS if forms in _LAST else expression, signal, begins)
    for forms, begins in _LANGUAGES
    for expression, signal in forms
)
