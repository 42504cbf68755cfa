"""Labels of a text that stand alone in a line: "AI-generated text", "Traduit par IA".

Only a line, a bracket or what stands between bars is one, so that a sentence about such texts declares nothing.
"""

from __future__ import annotations

from provenance.annotators.declarations.byline_machines import (
    HELP,
    IA_ES,
    IA_FR,
    IA_IT,
    IA_PT,
    II,
    KI,
    SI,
)

#: Labels that stand alone, in a line, a bracket or between bars.
_LABELS = (
    r"(?:article|text|content|summary|post) (?:written|generated|created) (?:by|with) (?:AI|ChatGPT)",
    r"AI[- ]generated (?:article|text|content|summary|post|translation)",
    r"(?:written|generated) (?:by|with) (?:AI|ChatGPT)(?=\s{0,3}(?:[\n.)\]|]|\Z|, (?:reviewed|edited|checked|curated)))",
    r"(?:KI|AI)-generierte[rs]? (?:Text|Inhalt|Artikel|Beitrag|Zusammenfassung)",
    rf"(?:Article|Texte|Contenu|Résumé) (?:généré|rédigé|écrit) par {IA_FR}",
    rf"(?:Artículo|Texto|Contenido|Resumen) (?:generado|escrito|creado) (?:por|con) {IA_ES}",
    rf"(?:Artigo|Texto|Conteúdo|Resumo) (?:gerado|escrito|criado) (?:por|com) {IA_PT}",
    rf"(?:Articolo|Testo|Contenuto|Riassunto) (?:generato|scritto|creato) (?:da|con) {IA_IT}",
    rf"(?:Tekst|Treść|Artykuł|Streszczenie) (?:wygenerowan|napisan)[yae] przez {SI}",
    r"(?:AI|KI)-gegenereerde (?:tekst|inhoud|samenvatting|artikel)",
    rf"(?:Текст|Статья|Материал) (?:сгенерирован|написан)[а]? {II}",
    r"(?:AI|人工智能|人工知能)(?:自动|自動)?生成(?:内容|內容|コンテンツ|文章|記事)?",
    r"(?:AI|人工知能)(?:が|による|により|で)(?:自動)?生成(?:した|された)?(?:要約|記事|文章|コンテンツ)?(?:です)?",
    r"(?:AI|인공지능)\s?생성\s?(?:기사|글|콘텐츠|요약)",
    r"(?:AI|인공지능|챗GPT)(?:가|이|로|으로)\s?(?:작성|생성)(?:한|된)\s?(?:기사|글|콘텐츠|요약)(?:입니다)?",
)
#: The same of a machine that helped.
_HELPED = (
    r"(?:AI|A\.I\.)[- ](?:assisted|translated)(?: (?:article|text|content|summary|post|translation))?",
    rf"(?:written|generated|created|produced|drafted|translated) with (?:{HELP}(?:AI|A\.I\.|artificial intelligence|ChatGPT)|(?:AI|A\.I\.|ChatGPT) (?:assistance|help|support))",
    r"translated (?:by|using) (?:AI|A\.I\.|artificial intelligence|ChatGPT)",
    rf"automatisch übersetzt (?:von|mit|durch) {KI}",
    rf"mit (?:der )?(?:hilfe (?:von )?|unterstützung (?:von |durch )?)?{KI}(?:-unterstützung)? (?:erstellt|geschrieben|übersetzt|verfasst|generiert)",
    rf"(?:(?:Article|Texte|Contenu|Résumé|Traduction) )?(?:(?:rédigé|écrit|généré|créé|réalisé)e? (?:avec |à )l['’]aide (?:de |d['’])?|traduite? par ){IA_FR}",
    rf"(?:Artículo|Texto|Contenido|Resumen) (?:elaborado|escrito|generado|redactado|traducido) con (?:la |el )?(?:ayuda|apoyo|asistencia) de {IA_ES}",
    rf"(?:Artigo|Texto|Conteúdo|Resumo) (?:produzido|escrito|gerado|elaborado|traduzido) com (?:o |a )?(?:auxílio|ajuda|apoio) d[aeo] {IA_PT}",
    rf"(?:Articolo|Testo|Contenuto) (?:scritto|realizzato|generato|tradotto) con l['’](?:aiuto|ausilio) (?:di |della |dell['’] ?|d['’] ?){IA_IT}",
    rf"Traduzione (?:generata|eseguita|fatta) (?:da|con) {IA_IT}",
    rf"Перевод (?:выполнен|сделан) (?:с помощью |при помощи )?{II}",
)
#: Who went over it since.
_THEN = r" (?:et|and|und|y|e|ed|i|en|и) (?:revi|relu|véri|edit|édit|corri|check|gepr|redakt|zwer|spraw|gecontr|пров|отред)"
_ALONE = r"[\n.(\[|。]"
_BEFORE = rf"(?:\A|(?<={_ALONE})|(?<={_ALONE}\s)|(?<={_ALONE}\s\s))"
_AFTER = rf"\s{{0,3}}(?:[\n.)\]|。]|\Z|(?=,)|(?={_THEN}))"
LABEL, LABEL_OF_HELP = (f"{_BEFORE}(?:{'|'.join(labels)}){_AFTER}" for labels in (_LABELS, _HELPED))

#: Words that labels begin with, in small letters.
LABEL_BEGINS = (
    *(f"{word} " for word in "text content summary post written generated article texte contenu résumé artículo texto contenido resumen".split()),
    *(f"{word} " for word in "artigo conteúdo resumo articolo testo contenuto riassunto tekst treść artykuł streszczenie текст статья материал".split()),
    *"ai ki 人工 인공지능 챗gpt".split(),
)  # fmt: skip
HELPED_BEGINS = (
    *(f"{word} " for word in "automatisch mit written generated created produced drafted translated article texte contenu résumé traduction".split()),
    *(f"{word} " for word in "artículo texto contenido resumen artigo conteúdo resumo articolo testo contenuto traduzione перевод".split()),
    *"ai a.i. rédigé écrit généré créé réalisé traduit".split(),
)  # fmt: skip
