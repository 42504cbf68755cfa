"""Words by which a short block tells what it is: a credit, a byline, a call to subscribe, the heading of other pages.

Groups of one meaning in the languages of the web, counted in blocks too short for a paragraph. A count is only evidence:
what it weighs was learned beside all else that is known of a block (`features`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from provenance.annotators.hashing import BASIS, PRIME
from provenance.annotators.kernel import kernel
from provenance.annotators.text.names import table_of
from provenance.annotators.text.tags import entry_of

#: Words by meaning; the first names the group.
PHRASES = tuple(
    group.split()
    for group in (
        "copyright rights reserved permission republished reproduced redistributed rechte vorbehalten nachdruck droits réservés derechos reservados diritti riservati direitos prawa zastrzeżone права защищены disclaimer",
        "photo photos foto fotos image images picture pictured pictures getty reuters afp dpa imago shutterstock bild bilder bildquelle abbildung symbolbild archivbild screenshot illustration courtesy credit credits crédit imagen imagem immagine zdjęcie zdjęcia фото 写真 图片 caption slideshow gallery galerie",
        "read more related also see lesen mehr auch weiterlesen lire aussi voir leer más ver también leggi altri anche leia mais czytaj więcej także lees meer читайте также еще recommended trending popular latest further next previous thema ähnliche weitere 関連 阅读",
        "share tweet facebook twitter whatsapp linkedin pinterest instagram youtube telegram reddit follow teilen folgen partager suivez compartir síguenos condividi seguici udostępnij поделиться",
        "subscribe subscription subscribers newsletter sign signup inbox alerts app abonnieren abonnement abo abonnez suscríbete iscriviti zapisz подпишитесь email mail premium trial delivered",
        "comment comments reply replies kommentar kommentare commentaires comentarios commenti komentarze комментарии login log register anmelden registrieren konto account forum",
        "by von par por autor author authors written writer editor reporter correspondent contributed reporting redaktion redakteur staff geschrieben verfasst posted published veröffentlicht publié publicado pubblicato opublikowano опубликовано updated aktualisiert quelle source автор",
        "january february march april june july august september october november december januar februar märz mai juni juli oktober dezember janvier février mars avril juin juillet août septembre octobre novembre décembre enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre января февраля марта апреля мая июня июля августа сентября октября ноября декабря uhr ago jan feb mar apr jun jul aug sep sept oct nov dec okt dez",
        "tags tag tagged filed topics themen schlagwörter schlagworte stichworte kategorie kategorien category categories rubrik etiquetas keywords mots tagi теги",
        "cookie cookies consent privacy policy datenschutz terms agb conditions javascript browser enable enabled loading",
        "click here klicken hier cliquez ici clic aquí clique aqui kliknij watch video listen play download pdf link links nach oben top zurück print drucken",
        "buy price shop amazon deal deals order sale offer free warenkorb kaufen preis shipping affiliate commission anzeige advertisement advertising sponsored werbung publicité publicidad реклама",
        "the of and to in that is was for on with as it der die das und ist nicht mit den zu ein eine dem des auf für im sich es le la les et que une est dans pour el los las y en un una il che di per não o a os w na z się że jest i и в не на что с het een van is dat och att det som",
        "about founded headquartered company information contact press kontakt telefon phone tel fax www info über uns impressum team jobs help faq",
    )
)  # fmt: skip
#: Bytes of the longest block whose words are counted: labels, credits and calls are shorter, sentences mostly longer.
LONGEST = 320
_ONE = np.uint64(1)
_MOST = 3  # of a group that are told apart


def phrase_table() -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """All words (`names.table_of`), as they are written at the start of a line or in capitals too, and the group of each."""
    return table_of(
        {
            _small(form): number
            for number, group in reversed([*enumerate(PHRASES)])
            for word in reversed(group)
            for form in (word, word.capitalize(), word.upper())
        }
    )


def _small(word: str) -> str:
    """Small letters of ASCII, as the kernel reads them."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in word)


#: Each byte of a word as it is compared, 0 where it may end one.
_LETTERS = np.arange(256, dtype=np.uint8)
_LETTERS[65:91] += 32
_LETTERS[:65] = _LETTERS[91:97] = _LETTERS[123:128] = _LETTERS[[0xC2, 0xE2, 0xE3, 0xEF]] = 0


@kernel
def _gap(text, at):  # type: ignore[no-untyped-def]
    """Bytes of the character at `at` where it ends a word, otherwise 0; outside ASCII these are blocks of punctuation."""
    byte, following = text[at], np.uint64(at + _ONE)
    if byte < 128:
        return _ONE
    if byte == 0xC2:
        return np.uint64(2)
    inside = following < np.uint64(len(text))
    if (
        byte == 0xE2
        or (byte == 0xE3 and inside and text[following] == 0x80)
        or (byte == 0xEF and inside and text[following] == 0xBC)
    ):
        return np.uint64(3)
    return np.uint64(0)


@kernel
def count_phrases(text, hashes, groups, counts):  # type: ignore[no-untyped-def]
    """Add to `counts` the words of each group in a block of text."""
    at, stop = np.uint64(0), np.uint64(len(text))
    while at < stop:
        value, begin, gap = BASIS, at, _ONE
        while at < stop:
            letter = _LETTERS[text[at]]
            if letter == 0:
                gap = _gap(text, at)
                if gap:
                    break
                letter = text[at]
            value = (value ^ np.uint64(letter)) * PRIME
            at += _ONE
        if at > begin:
            group = entry_of(hashes, groups, value)
            if group >= 0 and counts[group] < _MOST:
                counts[group] += 1
        at += gap
