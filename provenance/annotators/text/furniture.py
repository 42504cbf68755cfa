"""Lines that lead elsewhere: "related articles", "share this", credits and the lists under them.

Works on the lines of an extracted text, where class names no longer help, in the languages of the web.
"""

from __future__ import annotations

import re

#: Headings of lists of other pages. A line must be little more than one of these to count.
_HEADING = re.compile(
    r"(?:"
    r"(?:das könnte (?:sie|dich|euch) (?:auch|noch)?\s*interessieren|mehr (?:zum thema|zu diesem thema|dazu|aus|von|über|infos?)\b.{0,30}"
    r"|(?:weitere|ähnliche|verwandte|neueste|aktuelle|passende) (?:artikel|beiträge|themen|meldungen|nachrichten|informationen|infos|inhalte|links|news|posts|videos|berichte)\b.{0,30}"
    r"|weiterführender? (?:links?|informationen|artikel)|lesen sie (?:auch|dazu|hier|mehr)\b.{0,80}|(?:noch )?mehr (?:infos?|kolumnen|beiträge|artikel|meldungen)\b.{0,20}|lies auch\b.{0,60}|auch interessant\b.{0,20}|zum weiterlesen|links zum (?:thema|artikel)|meistgelesen\w*|nächster (?:artikel|beitrag)|vorheriger (?:artikel|beitrag)|der nächste beitrag)"
    r"|(?:related (?:articles?|posts?|stories|content|links?|news|topics?|reading|videos?)|(?:you )?(?:may|might) (?:also )?(?:like|be interested in)\b.{0,20}|more (?:from|on|in|about|stories|articles|news|like this|to explore)\b.{0,30}|read (?:more|next|also)\b.{0,20}|recommended(?: (?:for you|articles?|reading|stories))?|further reading|latest (?:news|posts|articles|stories)|most (?:read|popular|viewed)|popular (?:posts|articles|stories)|trending(?: now)?|see also|similar (?:articles|posts)|recent posts|previous (?:post|article)|next (?:post|article))"
    r"|(?:à lire aussi|lire aussi\b.{0,60}|voir aussi|articles? (?:similaires?|liés|connexes|récents)|sur le même (?:sujet|thème)|plus d'articles|dans la même (?:rubrique|catégorie))"
    r"|(?:artículos? (?:relacionados?|similares)|noticias relacionadas|te puede interesar|también te puede interesar|(?:lee|lea|vea|mira) también\b.{0,100}|ver también|más (?:noticias|información|artículos)|lo más leído)"
    r"|(?:articoli correlati|leggi anche\b.{0,60}|potrebbe(?:ro)? interessarti(?: anche)?|altri articoli|argomenti)"
    r"|(?:leia (?:também|mais)\b.{0,60}|artigos relacionados|veja também|notícias relacionadas|mais lidas)"
    r"|(?:zobacz (?:także|też|również)\b.{0,60}|czytaj (?:także|też|również|więcej)\b.{0,60}|powiązane artykuły|przeczytaj (?:także|też|również)\b.{0,60}|podobne artykuły)"
    r"|(?:lees (?:ook|meer)\b.{0,60}|gerelateerde artikelen|meer (?:over|nieuws)\b.{0,30})"
    r"|(?:читайте также\b.{0,60}|похожие (?:статьи|записи|новости)|по теме|смотрите также|ещё по теме)"
    r"|(?:関連記事|関連リンク|あわせて読みたい|おすすめ記事|人気記事|相关(?:文章|阅读|新闻|推荐)|推荐阅读|相關(?:文章|新聞)|延伸閱讀|관련 ?기사|많이 본 뉴스)"
    r")\s*[:：…!?.»>]*",
    re.IGNORECASE,
)
#: Lines that ask the reader to do something with the page, or say who made a picture.
_ACTION = re.compile(
    r"(?:"
    r"(?:artikel|seite|beitrag|this|page|jetzt|article)?\s*(?:teilen|drucken|merken|kommentieren|share|print|tweet|pin it|partager|imprimer|compartir|condividi|stampa|udostępnij|поделиться|分享|シェアする)(?: (?:auf|on|this|via|via e-?mail|post|article|page|story|sur|en|su|artikel))?(?: (?:facebook|twitter|x|whatsapp|linkedin|pinterest|e-?mail|article|post|page))*"
    r"|(?:artikel|seite|beitrag|rezept) (?:teilen|drucken|versenden|empfehlen|merken|weiterempfehlen|bewerten|kommentieren)"
    r"|(?:teilen(?: sie dies)? mit|(?:share|like) this|gefällt mir|(?:me gusta|compartir|compartilhe|curtir) (?:esto|isso)|j['’]aime ça|lubię to|(?:\d+|%d) (?:bloggern gefällt das|likes?))"
    r"|diese[nr]? (?:seite|artikel|beitrag) (?:teilen|drucken|merken|empfehlen|weiterempfehlen)|bild (?:anzeigen|vergrößern|schließen)(?: bild schließen)?|externer inhalt"
    r"|(?:keine |no |aucun |sin )?(?:kommentare?|comments?|commentaires?|comentarios)(?: (?:sind|are|sont|están))? (?:geschlossen|closed|fermés|cerrados)"
    r"|zurück(?: zu[rm]?\b.{0,40})?|nach oben|back to (?:top|.{0,30})|(?:jetzt |hier )?(?:zum )?newsletter(?: abonnieren| anmelden)?|(?:subscribe|sign up)\b.{0,40}|abonnier(?:e|en sie)\b.{0,40}newsletter\b.{0,60}|abonnieren|follow us\b.{0,40}|folgen sie uns\b.{0,40}|folge uns\b.{0,40}|s[ií]guenos\b.{0,80}"
    r"|(?:\d+ )?(?:kommentare?|comments?|commentaires?|comentarios?|commenti)(?: (?:schreiben|geschlossen|closed|verfassen|\(?\d+\)?))?|kommentar (?:schreiben|verfassen|hinterlassen)|(?:post|leave|add|write) a (?:comment|reply)|leave a (?:comment|reply)|laisser un commentaire|deja (?:un comentario|una respuesta)"
    r"|(?:schlagw(?:orte|örter)|tags?|themen|stichworte|mots-clés|etiquetas|tagged(?: with)?)\s*:?\s*.{0,60}|(?:geschrieben|veröffentlicht|posted|published|written) (?:von|am|by|on|in)\b.{0,60}"
    r"|(?:photo|image|picture)s? (?:credits?|by|courtesy)\b.{0,60}|(?:foto|photo|bild|image|abbildung|quelle|fotos|photos|bilder|crédits? photos?|credits?|bildquelle|photographie|copyright|©)\s*[:：©(]\s*.{0,80}|©.{0,80}"
    r"|(?:advertisement|anzeige|werbung|publicité|publicidad|pubblicità|reklama|реклама|広告|广告)|wird geladen.{0,20}|loading\b.{0,10}|lade weitere inhalte|read more|weiterlesen|mehr (?:lesen|erfahren|anzeigen)|erfahre mehr|show more|lire la suite|leer más"
    r")\s*[:!.…»>]*",
    re.IGNORECASE,
)
#: The same for lines of ASCII in small letters, of which a branch is left at its first letter: half of the time.
_SMALL_HEADING, _SMALL_ACTION = (re.compile(found.pattern) for found in (_HEADING, _ACTION))
#: The name of another page behind such a heading.
_OTHER_PAGE = re.compile(
    r"[\[(]?(?:read more|read also|related(?: (?:stories|story|article|articles|content|coverage|news))?|more|see also|watch|(?:don['’]t|do not) miss|recommended|lesen sie (?:auch|dazu|mehr)|mehr (?:zum thema|dazu)|auch interessant|siehe auch|lire aussi|à lire aussi|voir aussi|lea también|ver también|leggi anche|leia (?:também|mais)|veja também|czytaj (?:także|też|więcej)|zobacz (?:także|też)|lees ook|читайте также)\s*[:：|]\s*\S.*",
    re.IGNORECASE,
)
#: Lines about those who wrote, and calls to write to them or to follow them.
_ABOUT_AUTHORS = re.compile(
    r"(?:.{0,100}\bcontributed (?:to this (?:report|story|article)|reporting)\b.{0,40}"
    r"|.{0,70}\bfollow (?:him|her|them|us|me|@\w+|(?-i:[A-Z][\w.]+(?: [A-Z][\w.]+){0,2})) on (?:twitter|facebook|instagram)\b.{0,80}"
    r"|(?:e-?mail|write to|contact|reach|schreiben sie|kontakt)\b.{0,60}[\w.]@\w.{0,60}"
    r"|.{0,80}\b(?:by )?click(?:ing)? here\b.{0,50}|this slideshow requires javascript|(?:please )?enable javascript\b.{0,60})[.!]*",
    re.IGNORECASE,
)
#: The first four characters of lines that the first two patterns match, `_` a blank, and anything behind "tag": of short lines three in
#: five begin otherwise, and need no pattern. What begins with a digit, a blank or a letter beyond ASCII is left to the patterns.
_BEGINNINGS = frozenset(
    word.replace("_", " ")
    for word in (
        "abbi abon add_ adve aktu altr anze argo arti auch aucu back beit bild come comm comp cond copy cred "
        "curt czyt dans das_ deja der_ dies druc erfa etiq exte folg foll foto furt gere gesc hier imag impr "
        "j'ai jetz kein komm lade lais late lea_ leav lee_ leer lees legg leia lese lies like link lire lo_m "
        "load lubi mais may_ me_g meer mehr meis merk migh mira more most mots nach neue news next no_c no_k "
        "noch noti page part pass phot pict pin_ plus podo popu post potr powi prev prin prze pubb publ quel "
        "read rece reco rekl rela reze schl see_ seit shar show sign sigu simi sin_ stam stic subs sur_ "
        "tamb te_p teil them this tren twee udos vea_ veja ver_ verw voir vorh weit werb wird writ you_ "
        "zoba zum_ %d_b %d_l"
    ).split()
) | {f"tag{chr(code)}" for code in range(128)}
_SHORT = 120  # characters: longer lines are sentences, never furniture
_LIST_LINE = 140  # characters: a teaser under a heading of other pages
_COPY = 100  # characters: shorter lines that come again may be a refrain
#: Characters of a line that may be a whole article, and the places it is looked up by.
_WHOLE, _WINDOWS, _WINDOW = 600, 7, 40
_LEAST_OF_COPIES = 0.25  # of a text: three copies, not a paragraph nine times


def drop_furniture(text: str) -> str:
    """Take away lines that ask for an action, and headings of other pages with the short lines under them.

    Short lines after such a heading go only when nothing but short lines follows up to the end of the
    text, or (in the middle) none: a list in the middle may be the author's own.
    """
    lines = text.split("\n")
    kept: list[str] = []
    last_long: int | None = None  # of a text without such a heading nobody asks
    for i, line in enumerate(lines):
        if len(line) <= _SHORT:
            small = line.isascii()
            shape = line.lower() if small else line
            if may_be_furniture(line):
                if (_SMALL_HEADING if small else _HEADING).fullmatch(shape):
                    if last_long is None:
                        last_long = max(
                            (j for j, other in enumerate(lines) if len(other) > _LIST_LINE), default=-1
                        )
                    if i > last_long and i > len(lines) // 4:
                        break
                    continue
                if (_SMALL_ACTION if small else _ACTION).fullmatch(shape):
                    continue
            if (":" in shape or "|" in shape or "：" in shape) and _OTHER_PAGE.fullmatch(line):
                continue
            if _may_be_about_authors(shape if small else line.lower()) and _ABOUT_AUTHORS.fullmatch(line):
                continue
        kept.append(line)
    return "\n".join(kept)


def may_be_furniture(line: str) -> bool:
    """Whether a line begins as a heading of other pages or a call to act may: a fifth of what their patterns take."""
    begins = line[:4]
    if len(begins) < 4 or not begins.isascii() or begins[0].isdigit() or begins[0].isspace():
        return True
    return begins.lower() in _BEGINNINGS


def _may_be_about_authors(line: str) -> bool:
    """Whether a line in small letters holds a word that each of `_ABOUT_AUTHORS` has: a tenth of what a pattern takes."""
    return "@" in line or "click" in line or "follow" in line or "contributed" in line or "javascript" in line


def drop_copies(text: str) -> str:
    """Take away long lines that stood there before, and a line that holds the whole article once more.

    Pages give an article again for other screens, printers and scripts. Where little else would be left, a page that
    repeats itself is what it is.
    """
    lines = text.split("\n")
    long = [line for line in lines if len(line) >= _COPY]
    if not long:
        return text
    left, longest, seen = lines, max(long, key=len), set[str]()
    if len({*long}) < len(long):
        left = []
        for line in lines:
            if len(line) < _COPY or line not in seen:
                left.append(line)
                seen.add(line)
    if len(longest) >= _WHOLE:
        others = [line for line in left if line is not longest]
        left = others if _stands_in(longest, "\n".join(others)) else left
    if left is lines:
        return text
    found = "\n".join(left)
    return found if len(found) > _LEAST_OF_COPIES * len(text) else text


def _stands_in(line: str, rest: str) -> bool:
    """Whether most of some places of a line stand in `rest`."""
    places = range(0, len(line) - _WINDOW, len(line) // _WINDOWS)
    most, missed = len(places) - _WINDOWS // 2, 0
    for at in places:
        missed += line[at : at + _WINDOW] not in rest
        if missed >= most:  # as in nearly all texts: the other places need no search
            return False
    return True
