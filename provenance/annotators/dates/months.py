"""Names of months in some eighty languages, by month: whole names, and short ones where people write them.

Source: the Unicode CLDR (format and stand-alone names, wide and abbreviated), with spellings of news sites beside them.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_NAMES = """
january jan januar jänner januari janvier janv gennaio gen enero ene janeiro styczeń stycznia sty январь января янв січня leden ledna tammikuu tammikuuta ocak ianuarie január januára ιανουαρίου janúar sausio janvāris يناير जनवरी jaanuar januarie siječnja januara gener ianuarius januarja ינואר ژانویه януари בינואר siječanj јануар јан яну јануари січ січень студзеня сту студзень ιαν ιανουάριος yanvar sausis janar urtarrila xaneiro eanáir ionawr jannar januaro ianuarii มกราคม जन॰ जानेवारी जाने জানুয়ারী জানু ਜਨਵਰੀ ਜਨ જાન્યુઆરી જાન્યુ ஜனவரி ஜன జనవరి జన ಜನವರಿ ಜನ ജനുവരി ജനു ජනවාරි ජන جنوری հունվարի հնվ հունվար იანვარი იან қаңтар қаң январ oca ian มค كانونالثاني جانفي ጃንዋሪ ጃንዩወሪ ဇန်နဝါရီ ມັງກອນ ଜାନୁଆରୀ জানুৱাৰী urtarrilaren មករា جنوري
february feb februar feber februari février fevrier févr febbraio febrero fevereiro fev luty lutego lut февраль февраля фев лютого únor února helmikuu helmikuuta şubat februarie február februára φεβρουαρίου vasario فبراير फ़रवरी veebruar veljače februara febrer februarja פברואר فوریه февруари בפברואר úno veljača фебруар феб лют лютий лютага люты февр φεβ φεβρουάριος şub fevral febrúar februāris vasaris shkurt otsaila febreiro feabhra chwefror frar februaro februarii februarius pebrero กุมภาพันธ์ फ़र॰ फेब्रुवारी फेब्रु फेब्रुअरी ফেব্রুয়ারী ফেব ਫ਼ਰਵਰੀ ਫ਼ਰ ફેબ્રુઆરી ફેબ્રુ பிப்ரவரி பிப் ఫిబ్రవరి ఫిబ్ర ಫೆಬ್ರವರಿ ಫೆಬ್ರ ഫെബ്രുവരി ഫെബ്രു පෙබරවාරි පෙබ فروری փետրվարի փտվ փետրվար თებერვალი თებ ақпан ақп феврал febr กพ شباط فيفري फरवरी ፌብሩወሪ ፌብሩዋሪ ဖေဖော်ဝါရီ ກຸມພາ ଫେବୃଆରୀ ফেব্ৰুৱাৰী otsailaren កុម្ភៈ فبروري
march mar märz maerz maart mars marzo março marco marzec marca март марта мар березня březen března maaliskuu maaliskuuta mart martie március marts μαρτίου kovo مارس मार्च märts ožujka marta mrz març maret מרץ מרס مارچ آذار במרץ במרס mär bře marec ožu ožujak бер березень сакавіка сак сакавік márc μαρ μάρτιος μάρ kovas martxoa márta mawrth marzu marto martii martius mac marso machi มีนาคม মার্চ ਮਾਰਚ માર્ચ மார்ச் மார் మార్చి ಮಾರ್ಚ್ മാർച്ച് മാർ මාර්තු මාර් մարտի մրտ մարտ მარტი მარ наурыз нау mäerz mäe mrt มีค اذار ማርች မတ် ມີນາ ମାର୍ଚ୍ଚ মাৰ্চ martxoaren មីនា
april apr avril avr aprile abril abr kwiecień kwietnia kwi апрель апреля апр квітня duben dubna huhtikuu huhtikuuta nisan aprilie április απριλίου balandžio أبريل अप्रैल aprill travnja aprila ápr אפריל آوریل ابريل نيسان април באפריל apríla apríl travanj квіт квітень красавіка кра красавік απρ απρίλιος aprel aprīlis balandis prill apirila aibreán ebrill aprilo aprilis aprili เมษายน एप्रिल एप्रि अप्रिल এপ্রিল এপ্রি ਅਪ੍ਰੈਲ ਅਪ੍ਰੈ એપ્રિલ ஏப்ரல் ஏப் ఏప్రిల్ ఏప్రి ಏಪ್ರಿಲ್ ಏಪ್ರಿ ഏപ്രിൽ ഏപ്രി اپریل ապրիլի ապր ապրիլ აპრილი აპრ сәуір сәу апрел abrëll nis เมย أفريل افريل إبريل ኤፕሪል ဧပြီ ເມສາ ଅପ୍ରେଲ এপ্ৰিল apirilaren មេសា اپرېل
may mai mei maj maggio mag mayo maio maja май мая травня květen května toukokuu toukokuuta mayıs május maí μαΐου gegužės مايو मई svibnja maig מאי مه أيار במאי kvě mája máj svibanj мај трав травень μαΐ μάιος μάι maijs gegužė maiatza bealtaine mejju majo maii maius พฤษภาคม मे মে ਮਈ મે மே మే ಮೇ മേയ് මැයි مئی մայիսի մյս մայիս მაისი მაი мамыр мам mee พค ايار ماي ሜይ မေ ພຶດສະພາ ମଇ maiatzaren ឧសភា مۍ مې
june jun juni juin giugno giu junio junho czerwiec czerwca cze июнь июня июн червня červen června kesäkuu kesäkuuta haziran iunie június ιουνίου birželio يونيو जून juuni junie lipnja juna juny junija יוני ژوئن يونيه حزيران юни ביוני čvn júna jún junij lipanj јун јуни черв червень чэрвеня чэр чэрвень ιουν ιούνιος ιούν iyun júní kesä jūnijs jūn birž birželis qershor ekaina xuño meitheamh mehefin ġunju ġun iunii iunius hunyo มิถุนายน जुन জুন ਜੂਨ જૂન ஜூன் జూన్ ಜೂನ್ ജൂൺ ජූනි جون հունիսի հնս հունիս ივნისი ივნ маусым мау haz iun มิย جوان يونية ጁን ဇွန် ມິຖຸນາ ଜୁନ ekainaren មិថុនា
july jul juli juillet juil luglio lug julio julho lipiec lipca lip июль июля июл липня červenec července heinäkuu heinäkuuta temmuz iulie július ιουλίου liepos يوليو जुलाई juuli julie srpnja jula juliol julija יולי ژوئیه يوليه تموز юли ביולי čvc júla júl julij srpanj јул јули лип липень ліпеня ліп ліпень ιουλ ιούλιος ιούλ iyul júlí heinä jūlijs jūl liepa korrik uztaila xullo iúil gorffennaf lulju iulii iulius julai hulyo กรกฎาคม जुल॰ जुलै জুলাই জুল ਜੁਲਾਈ ਜੁਲਾ જુલાઈ ஜூலை జులై ಜುಲೈ ജൂലൈ ජූලි جولائی հուլիսի հլս հուլիս ივლისი ივლ шілде шіл tem iul กค جويلية يوليوز يولية ጁላይ ဇူလိုင် ກໍລະກົດ ଜୁଲାଇ uztailaren កក្កដា جولای
august aug augustus août aout agosto ago sierpień sierpnia sie август августа авг серпня srpen srpna elokuu elokuuta ağustos augusti augusztus αυγούστου rugpjūčio أغسطس अगस्त kolovoza avgusta agost agustus אוגוסט اوت اغسطس באוגוסט augusta avgust kolovoz серп серпень жніўня жні жнівень αυγ αύγουστος αύγ ağu avqust ágúst ágú augusts rugpjūtis gusht abuztua lúnasa lún awst awwissu aŭgusto aŭg ogos agosti สิงหาคม अग॰ ऑगस्ट ऑग अगस्ट আগস্ট আগ ਅਗਸਤ ਅਗ ઑગસ્ટ ஆகஸ்ட் ஆக ఆగస్టు ఆగ ಆಗಸ್ಟ್ ಆಗ ഓഗസ്റ്റ് ഓഗ අගෝස්තු අගෝ اگست օգոստոսի օգս օգոստոս აგვისტო აგვ тамыз там agu agt avg สค آب اب أوت غشت ኦገስት ဩဂုတ် ສິງຫາ ଅଗଷ୍ଟ আগষ্ট abuztuaren សីហា اګست
september sep sept septembre settembre set septiembre setembro wrzesień września wrz сентябрь сентября сен вересня září syyskuu syyskuuta eylül septembrie szeptember σεπτεμβρίου rugsėjo سبتمبر सितंबर rujna septembra setembre ספטמבר سپتامبر أيلول септември בספטמבר zář rujan септембар сеп septembar вер вересень верасня верасень сент σεπ σεπτέμβριος sentyabr septembris rugsėjis shtator iraila mfómh medi settembru septembro setyembre septemba กันยายน सित॰ सप्टेंबर सप्टें सेप्टेम्बर সেপ্টেম্বর সেপ ਸਤੰਬਰ ਸਤੰ સપ્ટેમ્બર સપ્ટે செப்டம்பர் செப் సెప్టెంబర్ సెప్టెం ಸೆಪ್ಟೆಂಬರ್ ಸೆಪ್ಟೆಂ സെപ്റ്റംബർ സെപ്റ്റം සැප්තැම්බර් සැප් ستمبر սեպտեմբերի սեպ սեպտեմբեր სექტემბერი სექ қыркүйек қыр sentabr сентябр eyl szept กย ايلول شتنبر सितम्बर ሴፕቴምበር စက်တင်ဘာ ກັນຍາ ସେପ୍ଟେମ୍ବର ছেপ্তেম্বৰ irailaren កញ្ញា سپتمبر
october oct oktober okt octobre ottobre ott octubre outubro out październik października paź октябрь октября окт жовтня říjen října lokakuu lokakuuta ekim octombrie október οκτωβρίου spalio أكتوبر अक्टूबर oktoober listopada oktobra אוקטובר اکتبر اكتوبر октомври באוקטובר říj októbra октобар oktobar жовт жовтень кастрычніка кас кастрычнік οκτ οκτώβριος oktyabr oktobris spalis tetor urria dfómh hydref ottubru oktobro octobris oktubre oktoba ตุลาคม अक्टू॰ ऑक्टोबर ऑक्टो अक्टोबर অক্টোবর অক্টো ਅਕਤੂਬਰ ਅਕਤੂ ઑક્ટોબર ઑક્ટો அக்டோபர் அக் అక్టోబర్ అక్టో ಅಕ್ಟೋಬರ್ ಅಕ್ಟೋ ഒക്ടോ ඔක්තෝබර් ඔක් اکتوبر հոկտեմբերի հոկ հոկտեմբեր ოქტომბერი ოქტ қазан қаз oktabr октябр eki ตค تشرينالأول تشرينالاول अक्तूबर ኦክቶበር အောက်တိုဘာ ຕຸລາ ଅକ୍ଟୋବର অক্টোবৰ urriaren តុលា
november nov novembre noviembre novembro listopad listopada lis ноябрь ноября ноя листопада listopadu marraskuu marraskuuta kasım noiembrie νοεμβρίου lapkričio نوفمبر नवंबर studenoga novembra נובמבר نوامبر ноември בנובמבר studeni новембар нов novembar ное лист листопад лістапада ліс лістапад нояб νοε νοέμβριος νοέ noyabr nóvember nóv novembris lapkritis nëntor nën azaroa samhain tachwedd novembru nobyembre novemba พฤศจิกายน नव॰ नोव्हेंबर नोव्हें नोभेम्बर নভেম্বর নভে ਨਵੰਬਰ ਨਵੰ નવેમ્બર નવે நவம்பர் நவ నవంబర్ నవం ನವೆಂಬರ್ ನವೆಂ നവംബർ നവം නොවැම්බර් නොවැ نومبر նոյեմբերի նոյ նոյեմբեր ნოემბერი ნოე қараша қар ноябр kas noi พย تشرينالثاني نونبر नवम्बर ኖቬምበር နိုဝင်ဘာ ພະຈິກ ନଭେମ୍ବର নৱেম্বৰ azaroaren វិច្ឆិកា
december dec dez dezember décembre decembre déc dicembre dic diciembre dezembro grudzień grudnia gru декабрь декабря дек грудня prosinec prosince joulukuu joulukuuta aralık decembrie δεκεμβρίου gruodžio ديسمبر दिसंबर detsember desember prosinca decembra desembre דצמבר دسامبر декември בדצמבר prosinac децембар дец decembar груд грудень снежня сне снежань δεκ δεκέμβριος dekabr decembris gruodis dhjetor abendua decembro nollaig rhagfyr diċembru diċ disember disyembre desemba ธันวาคม दिस॰ डिसेंबर डिसें डिसेम्बर ডিসেম্বর ডিসে ਦਸੰਬਰ ਦਸੰ ડિસેમ્બર ડિસે டிசம்பர் டிச డిసెంబర్ డిసెం ಡಿಸೆಂಬರ್ ಡಿಸೆಂ ഡിസംബർ ഡിസം දෙසැම්බර් දෙසැ دسمبر դեկտեմբերի դեկ դեկտեմբեր დეკემბერი დეკ желтоқсан жел декабр ara des ธค كانونالأول كانونالاول دجنبر दिसम्बर ዲሴምበር ဒီဇင်ဘာ ທັນວາ ଡିସେମ୍ବର ডিচেম্বৰ abenduaren ធ្នូ
"""
#: Letters of names that are short for others.
_SHORT: Final = 4
#: Accents of Latin and Greek letters, which capitals are often written without; the signs of India are no accents.
_ACCENTS: Final = dict.fromkeys(range(0x0300, 0x0370))
#: A name that two languages give to different months (Polish and Croatian "listopada") keeps its first reading by number of
#: speakers: see the last names.
_NAMED: Final = {
    name.rstrip(".॰"): month
    for month, names in reversed(list(enumerate(_NAMES.strip().splitlines(), 1)))
    for name in names.split()
} | {"listopada": 11, "listopad": 11, "lipca": 7, "lipnja": 6, "srpnja": 7, "marca": 3}


def _bare(name: str) -> str:
    """The name without accents, and with the dot on each i: ΝΟΕΜΒΡΙΟΥ and KASIM in small letters."""
    return unicodedata.normalize("NFD", name).translate(_ACCENTS).replace("ı", "i")


#: Month of each name, lower case, without the full stop, long ones also without accents (of short ones "lun" is a Monday).
MONTHS: Final = {_bare(name): month for name, month in _NAMED.items() if len(name) > _SHORT} | _NAMED


def month_named(name: str) -> int | None:
    """The month of a name in any case; None where it is none."""
    name = name.lower()
    if name.isascii():
        return MONTHS.get(name)
    return MONTHS.get(name.replace("\u0307", "").rstrip("॰"))  # the dot of a capital I
