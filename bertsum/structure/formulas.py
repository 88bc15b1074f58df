"""Set phrases ("formulas") of kinds of documents, and sections that say nothing about a document's subject.

They are searched for only in documents of that kind, so that a story about a meeting loses nothing. Adverts and the
warnings of funds are searched for in all documents.
"""

from __future__ import annotations

import re

from bertsum.structure.page_formulas import ADVERTS, JAPANESE_LETTER, PAGE_FORMULAS, any_of

# What shows the kind of a document: a pattern, and how many matches it needs.
KINDS: dict[str, tuple[re.Pattern[str], int]] = {
    "minutes": (
        re.compile(
            r"^[^\w\n]{0,9}(?:(?:members |also |staff )?(?:present|attendees|attending|participants|in attendance"
            r"|apologies|absents?(?: excusés)?|regrets|anwesend|entschuldigt|présents|excusés|asistentes|asisten"
            r"|ausentes|excusan?|presentes|ausências|presenti|assenti|preside|(?:in the )?chair(?:man|woman|person)?"
            r"|minute[- ]taker|note[- ]taker|protokoll(?:führung|führer(?:in)?)?|sitzungsleitung"
            r"|secrétaire de séance|aanwezig|afwezig|voorzitter|notulist|närvarande|frånvarande|til ?stede|fraværende"
            r"|obecni|nieobecni|przewodnicząc[ya]|присутствовали|отсутствовали|председатель|секретарь)\b[^.\n:]{0,30}:"
            r"|(?:.{1,60} [-–—:] )?(?:draft )?minutes\b(?! of an hour)"
            r"|(?:protokoll|notulen|referat|protokół|протокол)\b"
            r"|(?:acta|ata|verbale)(?: n\W{0,3}\d+)? d|(?:orden del día|ordem do dia|ordine del giorno|ordre du jour"
            r"|tagesordnung|call to order|adjournment"
            r"|any other business|aob|matters arising|old business|new business)[^\w\n]{0,9}$)",
            re.IGNORECASE | re.MULTILINE,
        ),
        2,
    ),
    "legal": (
        any_of(
            r"\b(?:this|the) (?:agreement|contract|lease|licen[cs]e|deed|act|policy) (?:is made|shall|may|will"
            r"|means|between|and|or|at|to|by)\b",
            r"\bthe parties\b",
            r"\b(?:either|neither|each|any) party\b",
            r"\bhereby\b",
            r"\bhereinafter\b",
            r"\bhereto\b",
            r"\bwhereas\b", r"\bin witness whereof\b", r"\bnow,? therefore\b", r"\bprovisions? of this\b",
            r"\bthis (?:agreement|contract|lease|deed|act)\b", r"\bshall (?:be|not|have|pay|make|mean|include)\b",
        ),
        4,
    ),
    "clinic": (
        re.compile(
            r"^[^\w\n]{0,9}(?:patient(?: name)?|mrn|dob|date of (?:birth|visit|admission|discharge)|chief complaint"
            r"|history of present illness|hpi"
            r"|assessment(?: and plan)?|plan|impression|medications?|allergies|vital signs"
            r"|clinical (?:history|information|indication)"
            r"|physical exam(?:ination)?|diagnos[ie]s"
            r"|subjective|objective|past medical history|attending|hospital course|(?:admission|discharge"
            r"|principal|final) (?:date|diagnos[ie]s)|dictated by|transcribed by"
            r"|condition (?:on|at) \w+|medications? (?:on|at) \w+|reason for (?:visit|referral)|follow-?up)\s*:",
            re.IGNORECASE | re.MULTILINE,
        ),
        3,
    ),
    "recipe": (
        re.compile(
            r"^[^\w\n]{0,9}(?:(?:ingredients|zutaten|ingrédients|ingredientes)\b"
            r"|(?:\d[\d/.,]*|[½⅓⅔¼¾])[ -]?(?:g|kg|ml|cl|dl|l|oz|lbs?|cups?|tsps?|tbsps?|teaspoons?"
            r"|tablespoons?|el|tl)\b)",
            re.IGNORECASE | re.MULTILINE,
        ),
        3,
    ),
    "readme": (
        re.compile(
            r"^[^\w\n]{0,9}(?:installation|installing|install|usage|quick ?start|getting started|build status"
            r"|requirements|pip install|npm i(?:nstall)?|git clone|cargo add)\b",
            re.IGNORECASE | re.MULTILINE,
        ),
        2,
    ),
    "manual": (re.compile(r"^([\w.-]{1,40}\(\d\w{0,3}\))[ \t]{2,60}\S.{0,80}\S[ \t]{2,60}\1[ \t]*$", re.MULTILINE), 1),
    "call": (re.compile(r"^operator[ \t]*(?::|-|$)|\[operator instructions\]", re.IGNORECASE | re.MULTILINE), 2),
    "press": (
        re.compile(
            r"^[^\w\n]{0,9}(?:for immediate release|press release|news release|media contacts?\b|pressemitteilung"
            r"|communiqué de presse|comunicado de prensa|comunicado de imprensa)"
            r"|^[ \t]{0,9}(?:#[ ]?#[ ]?#|-30-|[-–—]{0,3}[ ]?ends[ ]?[-–—]{0,3})[ \t]{0,9}$",
            re.IGNORECASE | re.MULTILINE,
        ),
        1,
    ),
}  # fmt: skip

# Phrases by kind. Those of the kind ANY count only in short paragraphs of documents that also have other structure.
ANY = ""
ADVERT = "advert"  # those of this kind in paragraphs of any length
FORMULAS: dict[str, re.Pattern[str]] = {
    "minutes": any_of(
        r"\b(?:open|clos|adjourn|call|conven|start|end|conclud|declar)(?:ed|s|ing)?\b.{0,40}\b(?:meeting|session"
        r"|sitting)\b",
        r"\b(?:meeting|session) (?:was |is |be |then )*(?:opened|closed|adjourned|ended|called|convened|concluded"
        r"|started|began)",
        r"(?:^\W*(?:\d[\d.]*\W+)?|\b(?:the|draft|previous|last|those) )(?:minutes|agenda|apologies|notes)\b.{0,80}"
        r"\b(?:approv|adopt|accept|confirm|agreed|read|signed|receiv|record|taken|correct)",
        r"\b(?:approv|adopt|accept|confirm)\w*\b.{0,60}\b(?:minutes|agenda)\b",
        r"\bquorum\b",
        r"\bwelcom(?:ed|es)\b.{0,40}\b(?:all|every(?:one|body)|members?|those|attend\w*|guests?|visitors?|participants"
        r"|colleagues|(?:to )?the (?:meeting|session)|m(?:rs?|s|me)|dr)\b",
        r"\b(?:eröffnet|schließt|beendet|begrüßt)\b.{0,60}\b(?:sitzung|versammlung|anwesenden|mitglieder|gäste)\b",
        r"\b(?:sitzung|versammlung) (?:wird|wurde|ist)\b.{0,30}\b(?:eröffnet|geschlossen|beendet)",
        r"\b(?:protokoll|tagesordnung)\b.{0,60}\b(?:genehmigt|angenommen|verabschiedet)|\bbeschlussfähig",
        r"\b(?:ouvre|lève|clôt) la (?:séance|réunion)|\b(?:séance|réunion) (?:est|a été) (?:ouverte|levée|close)",
        r"\b(?:procès-verbal|ordre du jour)\b.{0,60}\b(?:approuvé|adopté)|\bl'an deux mille\b.{0,200}\bréunie?s?\b",
        r"\b(?:séance|réunion) (?:est |a été )?levée\b|\bprochaine (?:réunion|séance)\b|\bordre du jour étant épuisé",
        r"\b(?:acta|ata|verbale|orden del día|ordem do dia|ordine del giorno)\b.{0,60}\b(?:aprob|aprov|approvat)"
        r"|\b(?:seduta|riunione|sessão|reunião)\b.{0,20}\b(?:tolta|aperta|encerrada|aberta)\b",
        r"\b(?:sluit|opent) de (?:vergadering|bijeenkomst)\b|\bvolgende vergadering\b"
        r"|\bheet (?:iedereen|allen|de (?:aanwezigen|leden))\b.{0,40}\bwelkom\b"
        r"|\bnotulen\b.{0,80}\b(?:goedgekeurd|vastgesteld)|\bgebruik van de rondvraag\b",
        r"\b(?:ordförande|møteleder|ordstyrer|formand)\w*\b.{0,30}\b(?:öppnade|avslutade|åpnet|åbnede|hevet"
        r"|hævede)\b.{0,20}"
        r"\b(?:møtet?|mötet|sammanträdet|årsmötet)\b"
        r"|\bprotokollet\b.{0,60}\b(?:godkändes|godkjent|godkendt)",
        r"\b(?:przewodnicząc|prezes)\w*\b.{0,40}\b(?:otworzył|zamknął)a?\b.{0,20}\b(?:zebranie|posiedzenie|obrady)\b"
        r"|\bprotokół\b.{0,60}\bprzyjęto\b",
        r"\bпредседател\w+\b.{0,40}\b(?:открыл|закрыл)а?\b.{0,20}\b(?:заседание|собрание)\b"
        r"|\b(?:заседание|собрание) (?:объявля\w+|считается) (?:откр|закр)",
        r"\b(?:se )?(?:levanta|abre) la (?:sesión|reunión)\b|\bpróxima (?:reunión|sesión)\b",
        r"\bnada mais (?:havendo|a tratar)\b|\bno habiendo más (?:asuntos|temas)\b|\blavrei a presente\b"
        r"|\bnull'altro (?:essendovi|da|a) \w+|\bletto, (?:confermato|approvato) e\b"
        r"|^\W*(?:aos?|em|siendo|en|a los?|il giorno|l'anno)\b.{0,160}\b(?:reuniram-se|reuniu-se|se reúnen?|se"
        r" reunieron|si (?:è|sono) riunit)",
        r"\bnächste (?:sitzung|versammlung)\b",
        r"\bnext meeting\b|\bmeets again\b",
        r"\bthank(?:ed|s)\b.{0,60}\b(?:all|everyone|everybody|members|those|attend|coming)",
        r"\bno (?:further|other|more) (?:business|items|questions|matters)\b",
        r"\bsent (?:his|her|their) apologies\b",
        r"^\W*(?:présents|absents|excusés|present|apologies|anwesend|presenti|asistentes|presentes)\b[^.:]{0,30}:",
        r"\bapologi[sz]ed for\b", r"\bdeclar\w+ (?:of|an) interest",
    ),
    "legal": any_of(
        r"\bcounterparts?\b",
        r"\b(?:invalid|unenforceable|illegal|void)\b.{0,120}\b(?:remain|provision|effect|affect)",
        r"\bentire agreement\b",
        r"\bfor convenience (?:of reference )?only\b|\bfor convenience of reference\b",
        r"\bheadings\b.{0,60}\b(?:interpretation|construction|convenience|reference)",
        r"\bcontext (?:otherwise )?(?:requires|admits)",
        r"\bin witness whereof\b",
        r"\bwhereas\b",
        r"\bnow,? therefore\b(?!,? be it (?:further )?resolved,? that)",
        r"\bhereinafter (?:referred to as|called)\b",
        r"\bmay be cited\b",
        r"\bthis act (?:shall )?(?:come|takes?|comes) (?:in|into|effect)",
        r"\bgoverned by\b.{0,60}\blaws?\b",
        r"\bconstrued (?:in|under|as)\b", r"\bno waiver\b|\bwaiver\b.{0,60}\b(?:breach|right|default)",
        r"\b(?:singular|plural|gender)\b.{0,60}\b(?:include|import)", r"\bfull force and effect\b", r"\bfull force\b",
        r"\bsupersedes?\b",
        r"\bforce majeure\b", r"\bprovided [\"“]?as is\b",
        r"\btime is of the essence\b",
        r"\bvaluable consideration\b",
        r"\bentered into\b.{0,40}\b(?:by|as of|on|between)\b",
        r"\bbinding (?:up)?on\b",
        r"\b(?:assign|transfer)\w* (?:this|the) (?:agreement|contract|lease)\b",
        r"\breceipt\b.{0,40}\backnowledged\b",
        r"\b(?:amend|modif|var)(?:ed|y|ication|iation|ied|endment)s?\b.{0,40}\b(?:only|unless)\b.{0,40}\bwriting",
        r"\bhave the meanings?\b|\bhas the meaning\b|\bfollowing meanings?\b|\bthe following (?:words|terms"
        r"|definitions)\b",
        r"\b(?:heirs|successors)\b.{0,30}\bassigns\b", r"\bduly authori[sz]ed\b", r"\bset their hands\b",
        r"\b(?:signed|executed)\b.{0,60}\b(?:below|above|date|day|deed|parties)\b",
        r"\bthis (?:agreement|contract|lease|deed) is made (?:on|this|the|by|between)\b",
        r"\((?:the|each an?|together|collectively|hereinafter)\b[^()]{0,40}[\"“”'’][^()]{0,12}\)",
        r"\beach an? [\"“]\w+[\"”]", r"\ba bill\b.{0,20}$",
        r"^\W*attest\b",
        r"^\W*passed (?:by )?the (?:house|senate|assembly|council)\b",
        r"\breferred to the committee\b",
        r"\bintroduced the following\b",
        r"^.{0,25}\bnotices?\b.{0,60}\b(?:in writing|deemed|served)\b",
    ),
    "clinic": any_of(
        r"\b(?:electronically|digitally) signed\b", r"\bthank you for (?:referring|sending)\b",
        r"\b(?:dictated|transcribed|reviewed|signed) (?:by|on|and)\b",
        r"\bdictation\b",
        r"\bmedical record (?:number|no)", r"\bnkda\b", r"\bno known (?:drug )?allerg", r"\bconfidential\b",
    ),
    "mail": any_of(
        JAPANESE_LETTER,
        r"\bconfidential\b.{0,120}\b(?:intended|addressee|recipient|privileged|only)\b",
        r"\bintended (?:only |solely |exclusively )?for\b.{0,60}\b(?:addressee|recipient|person|use)",
        r"\bintended recipient\b",
        r"\b(?:consider|think of) the environment\b",
        r"\bbefore printing\b",
        r"^\W*(?:sent from my|get outlook)\b",
        r"\bunsubscribe\b|\bmailing list\b|\bdo not reply\b",
        r"\bin error\b.{0,80}\b(?:delete|notify|destroy)",
        r"\bhope (?:this|that|you|all)\b.{0,40}\b(?:well|finds|great|fine)\b",
        r"^\W*(?:many )?thank(?:s| you)\b.{0,60}$",
        r"\blook(?:ing)? forward to (?:hear|your|see|meet)",
        r"^\W*please find (?:attached|enclosed)", r"^\W*(?:fyi\b\W*)?(?:please )?see below\W*$|^\W*fyi\W*$",
        r"\bdon't hesitate\b|\bdo not hesitate\b|\bfeel free to\b",
    ),
    "call": any_of(
        r"\b(?:contain|include|involve|make|making|concerning"
        r"|regarding)s? (?:certain )?forward[- ]looking statements\b",
        r"\b(?:placed|participants are|lines are) (?:on mute|in (?:a )?listen[- ]only mode)\b|\[operator instructions\]"
        r"|\bthis call is being recorded\b",
        r"\byour line is (?:now )?(?:open|live)\b"
        r"|\b(?:next|first|last|final) question (?:comes|is coming|will come) from\b",
        r"\byou may (?:now )?disconnect\b|\bconcludes (?:today's|our|the|this)\b.{0,30}\bcall\b",
        r"\bturn (?:it|the (?:call|conference|floor)) (?:back )?over to\b|\bnow hand over to\b"
        r"|\b(?:hop|jump|get|step) back in(?:to)? the queue\b",
        r"\bthank(?:s| you) for taking (?:my|the|our|your) questions?\b"
        r"|^(?:.{0,40}: )?congrat\w+ on\b.{0,30}\bquarter\b",
        r"\btranscript of (?:this|the)\b.{0,20}\bcall\b",
    ),
    "paper": any_of(
        r"\bcontributed equally\b",
        r"\bcorresponding author\b",
        r"\bpreprint\b",
        r"\bunder review\b",
        r"\bdoi\s?[:.]",
        r"\barxiv\s?:",
        r"\bISS?BN\b",
        r"\bthe (?:rest|remainder) of (?:this|the) (?:paper|article)\b",
        r"\b(?:paper|article) is (?:organi[sz]ed|structured)\b",
        r"^\W*sections? \S+ (?:reviews?|describes?|presents?|discuss(?:es)?|concludes?|reports?|gives?|introduces?)\b",
        r"\bpermission to (?:make|copy)\b", r"\bcopyright\b", r"^\W*(?:key ?words|index terms)\b",
        r"\bwe (?:thank|are grateful to|gratefully)\b", r"\bsupported by\b.{0,40}\b(?:grants?|fund)",
    ),
    ADVERT: ADVERTS,
    ANY: PAGE_FORMULAS,
}  # fmt: skip
_SPOKEN = any_of(
    r"\bthank(?:s| you)\b(?: (?:all|so|very|again|much|everybody|everyone))*(?: (?:for|to)\b|\W*$)",
    r"\bgood (?:morning|evening|afternoon|day)\b",
    r"\b(?:your|any|some|take|more) questions\b",
    r"\bladies and gentlemen\b",
    r"\bcan (?:you|everybody|everyone) hear\b",
    r"\bmy name is\b", r"\bwelcome (?:everybody|everyone|to|all|back)\b", r"\bi am happy to\b", r"\bnice to see\b",
)  # fmt: skip

# Sections by the words of their heading, by kind.
SECTIONS: dict[str, dict[str, re.Pattern[str]]] = {
    ANY: {
        "references": any_of(
            r"references?|bibliograph(?:y|ie)|works cited|literature(?: cited)?|cited literature"
            r"|literatur(?:verzeichnis|angaben)?|quellen(?:verzeichnis)?|einzelnachweise|weblinks"
            r"|liens externes|voir aussi"
            r"|références|referencias?(?: bibliográficas?)?|bibliografía|notes and references|footnotes|endnotes"
            r"|参考文献"
        ),
        "acknowledgements": any_of(
            r"acknowledge?ments?(?: and .*)?|danksagung(?:en)?|remerciements|agradecimientos"
            r"|authors?'? contributions?|credits?|(?:\w+ )?(?:committee|panel) members(?: and .*)?"
            r"|(?:conflicts?|declarations?) of (?:competing )?interests?|competing interests?"
            r"|data availability(?: statement)?|ethics(?: statement)?|thanks"
        ),
        "keywords": any_of(
            r"key ?words(?: and phrases)?|index terms|schlüsselwörter|mots[- ]clés|palabras clave|关键词|general terms"
            r"|ccs concepts|(?:acm )?reference format|recommended citation|cite (?:this (?:article|paper|work) )?as"
        ),
        "ingredients": any_of(
            r"(?:the )?ingredients(?: .*)?|zutaten(?: .*)?|ingrédients|ingredientes|shopping list"
            r"|nutrition(?:al)?(?: facts| information| values)?|nährwerte"
        ),
        "contents": any_of(
            r"(?:table of )?contents|inhalt(?:sverzeichnis)?|sommaire|índice|list of (?:figures|tables)|on this page"
            r"|in this (?:article|section)"
        ),
        "further reading": any_of(
            r"see also|further reading|external links|related(?: (?:articles?|stories|posts|recipes|links|topics"
            r"|pages))|read (?:also|more|next)"
            r"|more (?:stories|news|recipes|articles)|you (?:may|might) also like|latest news"
            r"|most (?:read|popular)(?: (?:in|on) .{2,30})?"
            r"|recommended(?: (?:articles|stories|posts|recipes|links|reading|for you))?|\d+ comments?|links"
            r"|(?:comments?|kommentare?|commentaires?|comentarios|commenti|комментарии|responses)\s?\(\d+\)"
            r"|reader interactions|\d+ (?:responses?|thoughts? on .*)"
            r"|(?:lesen sie|das könnte sie) auch.{0,20}|mehr zum thema|(?:à lire|lire) aussi|sur le même sujet"
            r"|(?:lea|vea) también|(?:leia|veja) também|leggi anche|más noticias|te puede interesar|читайте также"
            r"|関連(?:記事|リンク)|あわせて読みたい|(?:おすすめ|人気|新着)(?:の)?記事|相关(?:阅读|新闻|链接)|推荐阅读|往期(?:推荐|回顾|精选)"
        ),
        "minor": any_of(  # of a review, or of a report on a paper
            r"(?:other )?(?:minor|small) (?:points|comments|issues|corrections|remarks|edits)|typos?"
            r"|confidential comments? (?:to|for) the editors?"
        ),
        "licence": any_of(
            r"licen[cs]e|copyright|(?:new )?contributors|maintainers|contributing|how to contribute|contact(?: us)?"
            r"|impressum|sponsors|citation|how to cite|disclaimer|badges|share|about the authors?"
            r"|administrivia|housekeeping notes?"
            r"|cross[- ]references? to related applications?"
            r"|forward[- ]looking statements?|safe harbor(?: statement)?|status of this memo|copyright notice"
            r"|recht(?:smittel|sbehelfs)belehrung"
        ),
    },
    "press": {
        "about": any_of(
            r"about (?!the (?:project|study|incident|plan|programme|program|event)\b).{2,50}|notes? to editors?"
            r"|(?:media|press|investor) (?:contacts?|relations|enquiries|inquiries)|über (?:die |den |das )?.{2,50}"
            r"|à propos (?:de|d').{2,50}|acerca de .{2,50}|sobre (?:o|a|os|as|el|la) .{2,50}|boilerplate"
        ),
    },
    "paper": {"acknowledgements": any_of(r"funding(?: (?:information|statement|sources?))?|author information")},
    "recipe": {
        "ingredients": any_of(
            r"equipment|tools|you (?:will )?need|what you(?:'ll| will)? need|for the [\w ]{3,20}"
            r"|für (?:den|die|das) [\w ]{3,20}"
        ),
    },
    "readme": {"licence": any_of(r"licensing|authors?|citing(?: \w+){0,2}|comments?|funding")},
    "manual": {"licence": any_of(r"authors?|reporting bugs|colophon|standards|conforming to")},
    "legal": {
        "formula": any_of(
            r"short title(?: .*)?|citation(?: and .*)?|definitions?(?: .*)?|interpretation(?: .*)?"
            r"|general(?: provisions?| terms| conditions)?|miscellaneous(?: .*)?|notices?"
            r"|severab\w+|counterparts|entire agreement|governing law(?: .*)?|waivers?|amendments?|recitals"
            r"|parties|commencement|final provisions|preamble|boilerplate|signatures?|table of contents"
        ),
    },
    "minutes": {
        "formula": any_of(
            r"(?:formal )?opening(?:(?: and|,) .*| of (?:the )?(?:meeting|session)| remarks)?|call(?:ed)? to order"
            r"|welcome(?:(?: and| &|,) .*| to (?:the meeting|all|members|every\w+))?|introductions?|attendance|present"
            r"|apologies(?: .*)?|roll ?call|quorum|declarations? of interests?"
            r"|(?:approval|adoption|confirmation|acceptance) of (?:the )?(?:\w+ ){0,2}(?:minutes|agenda|notes)(?: .*)?"
            r"|(?:the )?(?:previous |last )?(?:minutes"
            r"|agenda)(?: (?:of|from) .*)?|(?:date|time"
            r"|place)?(?: and \w+)*(?: of)?(?: the)? ?next meeting(?: .*)?"
            r"|clos(?:e|ing|ure)(?:(?: and|,) .*| of (?:the )?(?:meeting|session)| remarks)?|adjournment(?: .*)?"
            r"|end(?: of (?:the )?meeting)?|begrüßung(?: .*)?|(?:genehmigung|annahme) (?:des|der) (?:\w+ )?"
            r"(?:protokolls?|tagesordnung)(?: .*)?|nächste sitzung|schluss|ouverture(?: de la (?:séance|réunion))?"
        ),
    },
    "clinic": {
        "routine finding": any_of(
            r"(?:current |home |discharge )?(?:medications?|meds)(?: .*)?|(?:drug )?allergies|vitals?(?: signs)?"
            r"|(?:physical )?exam(?:ination)?|review of systems|ros"
            r"|(?:past |family |social |surgical |medical )+(?:history|hx)|immunizations?|lab(?:s"
            r"|oratory)?(?: .*)?|objective|patient|date of .*|attending|referring .*|cc|signature|distribution"
            r"|technique|comparison"
        ),
    },
}  # fmt: skip
_MARKUP = re.compile(r"^[\s#*_>~|=-]+|[\s#*_:.~|=-]+$")
_NUMBERING = re.compile(
    r"^(?:(?:section|sec|article|art|chapter|part|clause|item|top|tagesordnungspunkt|point"
    r"|§+)\.?\s*)?(?:\d+(?:\.\d+)*|[IVXL]{1,5}(?=[.)\s])"
    r"|[A-Z](?=[.)]\s))?[.):]*\s*",
    re.IGNORECASE,
)


def kinds_of(text: str) -> frozenset[str]:
    """The kinds of documents that a text looks like."""
    found = set()
    for kind, (pattern, least) in KINDS.items():
        if sum(1 for _ in zip(range(least), pattern.finditer(text), strict=False)) == least:
            found.add(kind)
    return frozenset(found)


def title_of(heading: str) -> str:
    """The words of a heading without marks and number, in small letters."""
    return _NUMBERING.sub("", _MARKUP.sub("", heading.strip().removesuffix("[edit]"))).strip(" .:*_").lower()


def section(title: str, kinds: frozenset[str]) -> str | None:
    """The reason why a section with this title says nothing about the document's subject; None if it may."""
    if len(title) > 60 or not title:
        return None
    for kind, patterns in SECTIONS.items():
        if kind != ANY and kind not in kinds:
            continue
        for why, pattern in patterns.items():
            if pattern.fullmatch(title):
                return why
    return None


def is_formula(sentence: str, kinds: frozenset[str]) -> bool:
    """Whether a sentence is a set phrase of a document of these kinds, perhaps on several lines."""
    forms = {sentence, " ".join(sentence.split())}
    return any(FORMULAS[kind].search(form) for kind in kinds if kind in FORMULAS for form in forms)


def is_spoken_formula(passage: str) -> bool:
    """Whether a passage of transcribed speech greets, thanks, or asks for questions."""
    return _SPOKEN.search(passage) is not None
