"""What elements call themselves: tags that matter to extraction, and words of class names in groups of one meaning.

Each tag of note and each group of words is one bit of a mask that the text under an element inherits (`blocks`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from provenance.annotators.hashing import hash_word

#: Tags of note: text remembers that it stands under one of them.
CONTEXTS = (
    "nav", "aside", "footer", "header", "form", "figure", "figcaption", "table", "ul", "li", "dl", "article", "main",
    "blockquote", "pre", "h1", "h2", "h3", "p", "a", "button", "label", "select", "noscript", "address", "time", "details",
    "td", "section", "small", "strong", "em", "code", "cite", "div", "span",
)  # fmt: skip
_SAME = {
    "ol": "ul", "menu": "ul", "dt": "dl", "dd": "dl", "h4": "h3", "h5": "h3", "h6": "h3", "th": "td", "b": "strong", "i": "em",
    "summary": "details", "option": "select", "legend": "label", "caption": "figcaption", "fieldset": "form", "datalist": "select",
}  # fmt: skip
#: Further bits, set by attributes.
HIDDEN, BODY_PROPERTY = len(CONTEXTS), len(CONTEXTS) + 1
MARKS = (*CONTEXTS, "hidden", "articlebody")
#: Words of class names of what stands inside headings and is no part of them, and the bit that they set: the link to edit a
#: section (MediaWiki), and the sign that links to it (Sphinx, MkDocs). It is read by nobody, so no text under it is written.
BESIDE_HEADINGS = ("editsection", "headerlink")
UNREAD = len(MARKS)
#: Of these, the ones that speak against the text under them.
FURNITURE = (
    "nav", "aside", "footer", "header", "form", "figure", "figcaption", "button", "label", "select", "noscript", "address",
    "details", "small", "a", "hidden",
)  # fmt: skip

#: Words of class, id and role, by meaning. Chosen from the words that pages of many sites use.
WORDS = tuple(
    group.split()
    for group in (
        "nav navigation menu navbar submenu subnav navi dropdown hamburger burger flyout",
        "footer colophon foot contentinfo",
        "header masthead branding head",
        "sidebar side complementary rail aside secondary marginal",
        "widget widgets textwidget",
        "social share sharing facebook twitter shariff sharedaddy socials addtoany whatsapp pinterest linkedin instagram tweet teilen sharethis",
        "comment comments respond commentform disqus commentlist kommentar kommentare reply replies",
        "related similar recommended recommendations recommendation outbrain taboola popular trending relatedposts yarpp verwandte crosslinks",
        "teaser teasers promo card cards preview promotion feature featured",
        "tag tags keyword keywords topics topic schlagworte taglist tagcloud tagged taxonomy",
        "category categories cat kicker rubrik cats",
        "author authors byline bio vcard autor by writer",
        "date time published posted timestamp datetime pubdate datum",
        "meta metadata info postmeta postmetadata metas details",
        "caption captions credit credits bildunterschrift bu legend",
        "copyright legal disclaimer license licence",
        "breadcrumb breadcrumbs crumb crumbs",
        "pagination pager prev next previous paging pagenav",
        "newsletter subscribe subscription signup abo",
        "login register account paywall signin user premium member",
        "cookie cookies consent gdpr",
        "ad ads advert advertisement anzeige adsbygoogle werbung sponsored sponsor gpt dfp banner",
        "search searchform",
        "form field fields input",
        "btn button buttons toggle cta submit",
        "modal popup overlay dialog lightbox tooltip",
        "hidden hide invisible visually screen",
        "logo brand icon icons svg",
        "contact kontakt phone tel imprint impressum email mail",
        "print tools toolbar download downloads actions action functions share",
        "slider carousel slide swiper slideshow gallery",
        "list items listing grid",
        "posts articles stories entries archive archives",
        "latest recent news",
        "title headline heading subtitle",
        "lead intro summary description standfirst dek excerpt abstract",
        "content contents",
        "body",
        "article artikel story",
        "post entry blog hentry",
        "text txt copy richtext paragraph",
        "main primary",
        "image img photo picture figure thumbnail thumb bild",
        "video player media embed audio",
        "product price shop cart order buy",
        "rating vote stars like likes star",
        "footnote footnotes references notes reflist",
        "toc",
        "language lang languages",
        "event events calendar weather",
        "tab tabs accordion",
        "box infobox panel",
        "link links",
        "profile avatar username",
        "bottom after below",
        "top before above",
        "follow",
        "thread message messages postbody",
        "edit editsection mw",
        "noprint nocontent",
        "notice alert warning",
        "partner service services",
        "skip jump anchor",
        "item",
    )
)  # fmt: skip


def small_letters(ends: bytes) -> npt.NDArray[np.uint8]:
    """Each byte of a name in small letters of ASCII, 0 where a blank or one of `ends` ends it."""
    small = np.frombuffer(bytes(range(256)).lower(), np.uint8).copy()
    small[:33] = 0
    small[[*ends]] = 0
    return small


def table_of(entries: dict[str, int]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """Hashes, each in the first free place from where its last bits say, 0 in free places, and the value of each.

    A place in eight at most is taken, so that `tags.entry_of` nearly always ends at the first. To search sorted hashes took
    half again as long for a page.
    """
    size = 1 << (8 * len(entries)).bit_length()
    hashes, values = np.zeros(size, np.uint64), np.full(size, -1, np.int64)
    for word, value in entries.items():
        key = hash_word(word)
        place = key % size
        while hashes[place] and hashes[place] != key:
            place = (place + 1) % size
        hashes[place], values[place] = key, value
    return hashes, values


def word_table() -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """All words (`table_of`), and the number of the group of each."""
    return table_of({word: number for number, group in enumerate(WORDS) for word in reversed(group)})


# What a tag does, in the upper bits of its table entry; the lower six bits hold 1 + its number in CONTEXTS.
VOID, SKIPPED, BLOCK, CELL, BREAK, TITLE, LINK, RAWBODY = (1 << bit for bit in range(6, 14))
_VOID = "area base br col embed hr img input link meta param source track wbr"
_SKIPPED = "script style textarea xmp iframe noembed noframes svg template rt rp title object canvas annotation annotation-xml"
_RAW = "script style textarea xmp iframe noembed noframes title"
_BLOCK = (
    "address article aside blockquote body center dd details dialog dir div dl dt fieldset figcaption figure footer form "
    "h1 h2 h3 h4 h5 h6 header hr html legend li main menu nav ol optgroup option p pre section summary table tbody tfoot "
    "thead tr ul noscript select button label caption"
)


def tag_table() -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """The names of tags (`table_of`), and what each of them is (see the constants)."""
    entries = dict.fromkeys((*CONTEXTS, *_SAME), 0)
    for names, bit in (
        (_VOID, VOID),
        (_SKIPPED, SKIPPED),
        (_RAW, RAWBODY),
        (_BLOCK, BLOCK),
        ("td th", CELL),
        ("br", BREAK),
        ("title", TITLE),
        ("a", LINK),
    ):
        for name in names.split():
            entries[name] = entries.get(name, 0) | bit
    for name in (*CONTEXTS, *_SAME):
        entries[name] |= 1 + CONTEXTS.index(_SAME.get(name, name))
    return table_of(entries)
