"""Set phrases that pages of any kind have: cookies, newsletters, rights, corrections, disclaimers of e-mails."""

from __future__ import annotations

import re


def any_of(*patterns: str) -> re.Pattern[str]:
    """A pattern that matches where any of these does, in capital or small letters."""
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)


JAPANESE_LETTER = (
    r"お[慶喜]び申し上げ|(?:平素|いつも|日頃).{2,60}(?:ありがとうございま|御礼|感謝(?:を)?(?:申し上げ|いたし))"
    r"|(?:何卒|ご理解.{0,4}ご協力).{0,20}お願い"
)

# A code to type, which is in capitals.
_CODE = r"(?:the |our |my )?(?:(?:promo|discount|coupon) )?code (?-i:[A-Z][A-Z0-9]{2,})\b"
# These count in paragraphs of any length: adverts that are read out, what people say when a call begins, questions to
# ministers, warnings of funds.
ADVERTS = any_of(
    r"\bthis (?:episode|podcast|video) is (?:brought to you|sponsored) by\b",
    rf"\b(?:use|enter) {_CODE}.{{0,60}}\b(?:(?:percent|%|\d|half|tenth) off|checkout|discount)\b",
    rf"\b(?:off|discount)\b.{{0,30}}\b(?:with|using|use|enter) {_CODE}",
    r"\bleave (?:us )?(?:a (?:rating|review)|(?:\d|five|four) stars)\b.{0,40}\bpodcasts?\b",
    r"^\W*(?:go to|visit|head (?:over )?to) \S+ (?:slash|dot) \S+ (?:for|and get)\b.{0,30} off\b",
    r"^\W*(?:(?:hello|hi|hey)\b.{0,12} )?welcome (?:back )?to\b.{0,40}\b(?:the|a|our) (?:podcast|show)"
    r" (?:about|for|where|that|on|with)\b"
    r"|^\W*thank(?:s| you)(?: so much| very much)? for having (?:me|us)(?: on| back| here)?\W*$",
    # funds
    r"^\W*past performance is (?:not|no) (?:a )?(?:reliable )?(?:indicat\w+|guide|guarantee) (?:of|to) future\b"
    r"|^\W*the value of (?:your |an )?investments?\b.{0,40}\b(?:can|may) (?:go down|fall) as well as (?:up|rise)\b"
    r"|^\W*(?:please )?refer to the (?:fund(?:['’]s)? )?prospectus\b.{0,80}\binvest",
    r"(?-i:: To ask (?:the|His|Her) [A-Z])",
    r"^\W*image titled\b",
    r"^[^\"“”„«]{0,40}\bcan (?:you|everyone|everybody)(?: all)? hear me(?: now| okay| ok| (?:at|in) the back)?\?$"
    r"|^you(?:'|’)re (?:still )?on mute\b|^[^\"“”„«]{0,30}\bi think it(?:'|’)s (?:running|recording)(?: now)?\.$",
    r"^\W*(?:(?:ok(?:ay)?|all ?right|right|so)\W+)?that(?:'|’)s (?:it|all) for (?:today|now|this (?:week|time))\W*$"
    r"|^\W*please read (?:chapters?|pages?|sections?)\b.{0,30}\b(?:for|by|before) (?:next|(?:mon|tues|wednes|thurs"
    r"|fri)day)",
)

PAGE_FORMULAS = any_of(
    r"\bcookies?\b.{0,80}\b(?:website|site|accept|consent|agree|browser|settings|experience)\b",
    r"\ball rights reserved\b",
    r"\bprivacy policy\b",
    r"\bterms (?:of (?:use|service)|and conditions)\b.{0,20}$",
    r"\b(?:sign up|subscribe|register)\b.{0,60}\b(?:newsletter|updates?\b|mailing list|(?:free|weekly|daily|monthly"
    r"|our|my|e-?mail) (?:e-?mails?|alerts?|digest|channel|recipes|stories))",
    r"\babonn(?:ez-vous|iere?n?)\b.{0,60}\b(?:newsletter|lettre|kanal|chaîne)",
    r"\binscri(?:vez-vous|bete)\b|\b(?:recevez|recibe)\b.{0,60}\b(?:newsletter|actualité|boletín)",
    r"\bподписывайтесь\b|^\W*читайте также\b",
    r"\b(?:this )?(?:episode|show|podcast|video) is (?:brought to you|sponsored) by\b",
    r"^\W*(?:admin|housekeeping)\W{0,4}:.{0,80}\bdue\b",
    r"\b(?:do not|don't|please don't) reply to this\b|\bmailbox is (?:not|un)\s?monitored\b"
    r"|\bthis is an automat(?:ed|ic) (?:message|e-?mail|reply)\b",
    r"\b(?:article|story|post|report) (?:was|has been) (?:updated|corrected|amended) (?:on|at|to)\b",
    r"\btranscript was (?:computer|automatically|machine)[ -]generated\b",
    r"^\W*(?:not to be confused with\b|for (?:the|other|a) .{0,60}, see\b|this article is about\b"
    r"|from wikipedia, the free)",
    r"版权(?:所有|归)|未经(?:许可|授权)|続きをお読み|無断転載を?禁|この記事は有料会員|有料会員になると",
    JAPANESE_LETTER,
    r"\bdo not (?:click|open)\b.{0,60}\b(?:links?|attachments?)\b.{0,40}\bunless\b|^\W*\[external"
    r"|\b(?:e-?mail|message) (?:originated|came|was sent) from outside\b|\be-mail (?:kommt|stammt) von (?:au|ext)"
    r"|\b(?:message|courriel|e-?mail) (?:provient|vient) (?:de l['’]ext|d['’]un expéditeur ext)",
    r"\bopen access article\b.{0,60}\blicen[cs]e",
    r"\bneeds additional citations\b|\bunsourced material may be\b|\blearn how and when to remove\b",
    r"\b(?:contains?|includes?) affiliate links\b|\bcapitali[sz]ed (?:terms|words)\b.{0,60}\bmeaning",
    r"\bi have (?:searched|read|checked)\b.{0,60}\b(?:issues?|guidelines|documentation|code of conduct)\b",
    r"\bwilling to submit a (?:pr|pull request)\b",
    r"\bnewsletter\b.{0,60}\b(?:sign|subscri|inbox|miss)|^\W*get (?:the (?:best|latest)|our)\b"
    r".{0,60}\b(?:in|to) your inbox\W*$|^\W*jede (?:woche|n tag)\b.{0,60}\bkostenlos per e-?mail\W*$",
    r"^\W*(?:please )?(?:(?:subscribe|sign up|log in)\b|(?:share|follow|like|tag|pin) (?:us|this|it|our|on)\b"
    r"|print$).{0,50}$",
    r"(?:^\W*|\b(?:and|or|please|to) )(?:follow|like|tag) us\b|^\W*(?:you can )?find us\b",
    r"(?:^\W*|\b(?:and|or|please|then) )share (?:this|your|it|on|with)\b.{0,40}(?:!|picture|photo|friends|facebook"
    r"|twitter|post|recipe|article)",
    r"^\W*click\b|\bclick (?:here|below|on the (?:link|button))\b",
    r"\b(?:was|is|did) (?:this|that)\b.{0,24}\b(?:helpful|useful|help)\b.{0,20}\?",
    r"\bdid you (?:make|try|like|enjoy|find) (?:this|it|what)\b.{0,40}\?",
    r"^\W*(?:read|see|watch|listen|more|also|related|recommended|you (?:may|might))\b.{0,10}\b(?:also|more"
    r"|next|like)\b\s*(?::|$)",
    r"©|(?:\(c\)|\bcopyright) ?\d{4}",
    r"\b(?:réservée?s? aux abonnés|nur für abonnent\w+|(?:solo|sólo|exclusiv\w+) para suscriptores)\b"
    r"|^\W*(?:partager|teilen|compartir|condividi|compartilhar)\b[^.!?]{0,40}$",
    r"\balle rechte vorbehalten\b|\btous droits (?:de \w+ )?réservés\b|\btodos los derechos\b",
    r"^\W*(?:advertisement|sponsored|advert)\W*$",
    r"\bleave (?:a|us a|your) (?:comment|review|rating)",
    r"\b(?:rate|review) this\b.{0,20}$",
    r"\b(?:page|article|text|document|file) (?:was )?last (?:updated|modified|reviewed|changed|edited)",
    r"^\W*last (?:updated|modified|reviewed|changed|edited)\b",
    r"\bthis (?:file|page|document|readme) (?:is|was) (?:made|generated|auto)",
    r"\bdo not edit(?:\W*$| (?:this|by hand|manually|directly|below|above)\b)",
    r"\bstill (?:have|got) (?:a )?questions?\b",
    r"^\W*(?:\w+ )?(?:subtitles?|captions?|captioning|transcript|transcribed|translated|synced|untertitel"
    r"|sous-titres)\b.{0,20}\b(?:by|von|par|:)\b",
    r"\ball notable changes\b",
    r"\bmade (?:their|his|her) first contribution\b|^\W*(?:chore|ci)(?:\([\w-]+\))?!?: ",
    r"\bthis application (?:claims|is a (?:continuation|division))|\bsubject to any disclaimer\b"
    r"|^\W*\(\d\d\)\s+(?:inventor|assignee|applicant|appl|filed|patent|pub|date of|prior|foreign|related|attorney)"
    r"[^:]{0,30}(?::| [-–] )",
    r"\b(?:format|project|changelog)\b.{0,30}\b(?:based on|adheres to|follows)\b.{0,60}\b(?:changelog"
    r"|convention|semantic|version)",
    r"^\W*(?:\w+(?:\([\w-]+\))?: )?(?:bump|upgrade|update)s?\b.{0,60}\bfrom v?\d\S* to v?\d",
    r"^\W*version \d[\w.]*\W*$", r"\b(?:didn['’]t|did not|did you) find\b.{0,40}\?", r"^\W*newsletter\b",
    r"^\W*(?:bugfix(?:es)?|various|minor|small|misc\w*)\b.{0,30}\b(?:fixes|improvements|changes|cleanup"
    r"|bugs)\W*$",
    r"\b(?:contact|call|e-?mail|write to|reach) (?:us|our (?:news ?desk|newsroom))\b.{0,40}(?:@|\d{3}|\bhere\b|\bat$)",
    r"(?:^\W*|\bplease |\bquestions,? )(?:contact|call|e-?mail|write to|reach) us\b.{0,40}$",
    # e-mails to the wrong address, letters without a signature
    r"\breceived this (?:message|e-?mail|communication|fax)\b.{0,20}\bin error\b"
    r"|\bif you (?:have |'ve |’ve )?received this (?:document|letter)\b.{0,20}\bin error\b"
    r"|\breçu ce (?:message|mail|courriel|e-mail)\b.{0,20}\bpar erreur\b|\bpensez à l['’]environnement\b"
    r"|\b(?:e-?mail|nachricht)\b.{0,20}\b(?:irrtümlich|versehentlich) erhalten\b|\bnicht der richtige adressat\b"
    r"|\brecibido este (?:mensaje|correo)\b.{0,20}\bpor error\b"
    r"|\bricevuto (?:questo|questa|la presente)\b.{0,30}\bper errore\b"
    r"|\brecebeu est[ae] (?:mensagem|e-?mail)\b.{0,20}\bpor (?:engano|erro)\b"
    r"|\b(?:bericht|e-?mail)\b.{0,30}\b(?:abusievelijk|ten onrechte|per vergissing)\b",
    r"\bamtsgericht\b.{0,30}\bHR[AB] \d|\b(?:mail|nachricht)\b.{0,30}\bausgedruckt werden\b",
    r"\bvalid without (?:a )?signature\b|\bohne unterschrift gültig\b|\bdigitaal opgesteld\b|\bniet ondertekend\b"
    r"|\bcreated electronically\b",
    r"\byou(?:'|’| a)re receiving this (?:e-?mail|message|newsletter) (?:because|as) you\b.{0,40}\b(?:sign"
    r"|subscrib|regist|opt|list|member|customer|account)\w*"
    r"|\bvous recevez ce(?:t|tte)? (?:e-?mail|message|lettre)\b.{0,40}\b(?:inscri|abonn)\w*"
    r"|\bsie erhalten diese[ns]? (?:e-?mail|nachricht|newsletter)\b|\brecibe este (?:mensaje|correo) porque\b",
    r"^\W*ce (?:message|courriel|mail) et .{0,30}pièces jointes\b|^\W*diese (?:e-?mail|nachricht)\b.{0,60}\bvertraulich"
    r"|^\W*este (?:mensaje|correo)\b.{0,60}\bconfidencial(?:es)?\b.{0,80}\bdestinatari"
    r"|\bdit (?:bericht|e-?mail)\b.{0,40}\bvertrouwelijk\b"
    r"|^\W*si ringrazia(?:no)?\b.{0,60}$|\bfirma autografa (?:sostituita|omessa)\b|\(firma autografa\b"
    r"|\bquesto messaggio\b.{0,60}\briservat[ei]\b|\besta mensagem\b.{0,60}\bconfidencia",
    r"\b(?:is|are) authori[sz]ed and regulated(?: by the\b.{0,120})?\W*$"
    r"|^\W*calls? (?:may|will) be (?:recorded|monitored)\b.{0,40}\b(?:training|quality|security)\b",
    # Wikipedia
    r"^[\s*-]*↑\s|\bcet article est une ébauche\b|^\W*vous pouvez partager vos connaissances en l"
    r"|\bthis .{0,40}\barticle is a stub\b|\beste artículo es un esbozo\b"
    r"|\bdieser artikel ist noch .{0,20}\bstub\b|^\W*find sources\b|\bplease help improve this (?:article|section)\b"
    r"|\bavailable under the creative commons\b"
    r"|\bnicht hinreichend mit belegen\b|\bohne ausreichenden beleg\b|\bbitte hilf wikipedia\b"
    r"|\bdiese seite wurde zuletzt am\b|\bder text ist unter der lizenz\b"
    r"|\bdernière modification de cette page\b|\best[ae] página se editó por última vez\b"
    r"|\b(?:questa pagina è stata modificata|esta página foi editada) (?:per l['’]ultima volta|pela última vez)\b",
    # consent, errors and rules of pages
    r"\bcookies? (?:propias|próprios|de terceros|di terze parti|tiers)\b|\bacepta su uso\b"
    r"|\bverwende[nt]\b.{0,30}\bcookies\b"
    r"|\butilis(?:e|ons)\b.{0,20}\bcookies\b|\butilizz(?:a|iamo)\b.{0,20}\bcookie"
    r"|\b(?:our|unsere|nos) \d+ part(?:ner|enaire)s?\b"
    r"|\bchange your (?:choices?|preferences|settings|mind) at any time\b",
    r"\bsomething went wrong\b.{0,40}\btry again\b|^\W*invalid e-?mail\b|\bmust be logged in to\b"
    r"|\bkeep (?:your )?comments (?:respectful|civil|polite)\b",
    r"\b(?:apúnt|suscríb|iscriv|abonn|inscr[ei]v)\w*\b.{0,40}\bnewsletter\b",
    r"\bown or manage this\b|\bis this your (?:listing|business|property|page)\b|^\W*claim (?:it|this)\b.{0,20}$",
    r"\bearn (?:a|some) (?:small |little )?commission\b",
    r"\bto send flowers\b|\b(?:floral|flower) store\b|^\W*so sorry for your loss\W*$"
    r"|^\W*in lieu of flowers,?.{0,60}\b(?:donations|contributions|memorials|gifts)\b",
    r"^\W*powered by \S+(?: \S+){0,2}$"
    r"|^\W*free (?:shipping|delivery)(?: (?:this week|today|on orders|over|worldwide)\b.{0,20})?\W*$",
    r"\blisten to (?:this|the) article\b|\blyt til artiklen\b|\blyssna på artikeln\b|\bartikel anhören\b"
    r"|\bécoute[rz] (?:cet |l['’])article\b",
    r"\bwelcome to (?:our|the) (?:live (?:blog|report)|(?:live )?coverage)\b"
    r"|^\W*you can (?:e-?mail|tweet|message) me\b",
    r"^\W*\(?(?:additional )?reporting by [^.]{3,200}\b(?:editing|writing|reporting) by\b"
    r"|^\W*our standards\s?: the .{3,40}\bprinciples\W*$"
    r"|^\W*this (?:post|article|essay|piece|interview|column) (?:was )?(?:first|originally) (?:appeared"
    r"|published) (?:in|on|by|at) (?:the |our )?(?-i:[A-Z\d])"
    r"|^\W*(?:\d{1,2} \w+ \d{4}\W+)?first published\W*$|^\W*(?:i |you )?enjoyed this\b.{0,12}\?"
    r"|^\W*happy (?:reading|listening|baking|cooking|gardening|knitting|hacking|coding|travels)\W*$",
    r"\bprinted copies (?:of this \w+ )?are uncontrolled\b|\buncontrolled (?:when|if) printed\b"
    r"|^\W*not to be (?:quoted|cited|circulated)\b.{0,40}\bpermission\b|\bthis (?:document"
    r"|post-?mortem) is blameless\b",
    r"\bno credit card (?:is )?(?:required|needed)\W*$|\bour mailing address is\b|\bunsubscribe (?:from this|here"
    r"|at any)\b"
    r"|\bwe(?:(?:'|’)ll| will) never (?:share|sell|spam|pass on)\b.{0,20}\b(?:you|your (?:e-?mail|address|data"
    r"|details))\b",
    r"^\W*(?:i|we) look forward to (?:hearing from you|your (?:reply|response|answer))\b.{0,20}$"
    r"|^\W*encl(?:s|osures?)?\.?\s?[:(]"
    r"|^\W*(?:[^\W\d_][\w. ]{0,20}:\s)?(?:many thanks|thank you(?: (?:so|very) much)?|thanks(?: (?:so much|a lot"
    r"|again))?)\W*$",
    r"^[\s*-]*\d{1,3}['’′](?:\s?\+\s?\d{1,2}['’′]?)?\W+(?:match ends|(?:first|second) half (?:begins|ends)"
    r"|substitution)\b",
    r"^\W*continued (?:on|from) page \d|^\W*printed and published (?:by|at|for) (?:the|mr|messrs)\b"
    r"|^\W*price (?:one|two|three) penn?[yc]e?\W*$",
    r"^\[?\d{1,3}[\].]? (?:cf\.|ibid\b|op\. cit|vgl\.)",
    # events, calls, adverts, surveys
    r"^\W*see (?:the )?(?:glossary|notes?) on page\b|\bis an alternative performance measure\W*$|\(instructed by\b"
    r"|^\W*printed (?:on|in)\b.{0,40}\b(?:paper|inks?)\W*$|^\W*nothing further(?: to (?:report|add))?\W*$"
    r"|^\W*cite (?:this )?as\s?:|^\W*fix(?:e[ds])?\b.{0,20}\btypos?\b.{0,40}$",
    r"\bwelcome back to (?:the|my|our) (?:channel|show|podcast)\b|^\W*[\w ]{3,20} \(auto-generated\)\W*$"
    r"|^\W*\d[\d.,]*[KM]? subscribers\W*$|^\W*(?:did you )?(?:spot|f[oi]u?nd|notice|spotted)"
    r" an? (?:mistake|typo|error)(?: (?:in|on) th\w+ (?:article|page|post|tutorial))?\W*\?"
    r"|^\W*have a (?:great|good|nice|lovely|wonderful|happy) (?:weekend|day|week|evening|holiday|summer)\b.{0,20}$",
    r"\bdial-?in\b.{0,20}\d|\bconference id\b.{0,5}\d|^\W*(?:all )?tickets are non-?refundable\W*$",
    r"^\W*by (?:attending|entering|creating|continuing|using|signing|clicking|submitting|registering|subscribing)\b"
    r".{0,60}\byou (?:\w+ ){0,3}(?:consent|agree|accept)\b|\bwithdraw (?:your|my) consent\b.{0,30}\b(?:any time"
    r"|unsubscrib)",
    r"\bour (?:agents|team|support team) (?:usually|typically) (?:repl|respond|answer)",
    r"\bcharacters (?:left|remaining)\W*$|\bto get a message when this question\b"
    r"|\b(?:article|page|video|question|recipe) has been (?:viewed|read) [\d.,]+ times\b",
    r"^\W*stay (?:with us|tuned)\b.{0,40}\b(?:updates?|latest|coverage)\b.{0,10}$"
    r"|^\W*have you been affected\b.{0,40}\?",
    r"^\W*ya somos [\d.,]+\W*$|^\W*ayúdanos a llegar a [\d.,]+\W*$|^\W*faça (?:o )?login\b.{0,40}$",
    r"\btodos os direitos reservados\b|^\W*published (?:by|in) [^!?]{2,60}\bon .{3,20}\b(?:19|20)\d\d\W*$",
    r"^\W*[^.!?]{3,40} \(@\w+\) (?:is|was|writes|covers|reports)\b|\bcommitted to publishing\b.{0,40}\bletters\b"
    r"|\bversion of this (?:article|story) appear(?:s|ed) in print\b",
    r"\bbest viewed (?:at|in|with) .{0,40}\d|^\W*(?:the )?(?:views|opinions) expressed\b.{0,60}"
    r"\b(?:are (?:not|those of|solely)|do not)\b",
    r"^\W*our free (?:\w+ )?(?:e-?mail|newsletter) (?:on|with|about|for|brings)\b|^\W*enjoying (?:this|our)\b.{0,20}\?"
    r"|\byour (?:donation|gift|contribution)s? (?:keeps?|makes?|funds?)\b.{0,40}\b(?:journalism|reporting|free"
    r"|possible)\b",
    r"^\W*follow (?:the |our )?[^.!?]{1,40} on (?:facebook|twitter|instagram|linkedin|youtube|telegram"
    r"|mastodon|threads)(?:,? (?:and |or )?\w+){0,3}\W*$"
    r"|\b(?:edit|improve) this page (?:on|in|at)\b|\b(?:vol\. ?)?\d{1,3} ?\(\d{1,3}\)[,:] ?\d{1,5}[–-]\d{1,5}\.?$",
    r"\byou just advanced to level \d|^\W*merging (?:#\d+\b|\S+ into (?:main|master|develop)\b)|\bdiff coverage is\b",
    r"^\W*sponsored products (?:related|based|from|for you)\b|\d people found this helpful\b"
    r"|^\W*reviewed in (?:the )?[\w ]{3,30} on \w+ \d",
    r"^\W*i am a bot\b|\bthis action was performed automatically\b|\bcontact the moderators\b"
    r"|^\W*edit\W{1,6}.{0,30}\b(?:gold|award|upvotes|kind stranger)\b",
    # forms, adverts and leaflets
    r"\bindicate by check mark\b|\bduly caused this report to be signed\b|^\s*[☒☐]",
    r"\(commission file number\)|^\W*commission file number\W*[\d-]|\(state or other jurisdiction\b",
    r"\bequal opportunity employer\b|\bqualified applicants will receive consideration\b",
    r"\bkeep this leaflet\b|\bread all of this leaflet\b|\bthis leaflet was last\b|\bhas been prescribed for you\b",
    r"^\W*(?:use|write in) (?:blue|black)\b.{0,20}\b(?:ink|pen)\W*$|^\W*answer all (?:the )?questions\W*$"
    r"|^\W*do not write (?:outside|in|on) (?:the|this)\b",
    r"\b(?:available|cop(?:y|ies)|request|format|letter|leaflet)\b.{0,60}\blarge print\b.{0,12}\bbraille\b"
    r"|\b(?:like|need|require|want|copy of|available)\b.{0,30}\b(?:document|letter|leaflet|booklet"
    r"|information) in (?:an?"
    r"|another|other) (?:\w+ )?(?:format|language)s?\b|^\W*we are a smoke[- ]free (?:site|hospital|campus)\W*$",
    r"\bactual results\b.{0,60}\bdiffer materially\b|\bcontains? (?:certain )?forward[- ]looking statements\b",
    r"^\W*(?:box office\s?:|ISBN\b).{0,40}$|[,.+] ?\d{2,4} pp\.(?: .{0,20})?$",
    r"^\W*(?:source|fuente|quelle|fonte|bron|źródło|источник)s?\s?:(?:[^.!?]{0,60}\b(?:19|20)\d\d\b.{0,40}"
    r"|(?:\s?\S+){1,4})$",
    r"^\W*(?:let us pray|please (?:be seated|stand|rise)|amen)\W*$",
    # parliaments, courts and studies
    r"^\W*question put and (?:agreed|negatived)\b|^\W*(?:the )?house adjourned\b|\bhouse must come to order\b"
    r"|\b(?:happy|pleased|will|shall) (?:to )?give way to (?:the|my) (?:right )?hon\."
    r"|\bwill (?:the|my) (?:right )?hon\. (?:gentleman|lady|member|friend) give way\b",
    r"^\W*(?-i:[A-Z]{3,}), (?:C\.)?J\., delivered the opinion of the court\W*$"
    r"|\bopinion is subject to (?:formal )?revision before publication\b"
    r"|\bJ{1,2}\., (?:concur|dissent|join)\w*\W*$|^\W*before .{5,100}, JJ\.\W*$",
    r"^\W*the funders? had no role in (?:the )?(?:study|design|data)\b|^\W*conflicts? of interest(?: statement)?\s*:"
    r"|^.{0,40}\b(?:figures|information|statements)\b.{0,120}\bneither (?:been )?audited nor reviewed\b",
    r"^\W*(?:aktenzeichen|vorinstanz(?:en)?)\s?:"
    r"|\bgegen (?:dieses urteil|diesen bescheid|diesen beschluss|diese entscheidung)\b.{0,20}"
    r"\b(?:(?:ist|steht)\b.{0,20}\brechts(?:mittel|behelf)|kann (?:binnen|innerhalb))\b"
    r"|\b(?:berufungs|beschwerde|revisions)schrift muss\b.{0,40}\b(?:binnen|innerhalb)\b|\binnerhalb einer notfrist\b"
    r"|^\W*(?:an |some )?hon\. members?\s?: [^\s.!?]+[.!?]$",
    # issues and posts
    r"\byou (?:need|have) to (?:log|sign) in\b.{0,30}\b(?:comment|reply|post|make changes)\b"
    r"|^\W*reply to this (?:e-?mail|message) directly\b",
    r"^\W*(?:\d[\d.,]* (?:people )?have signed|let(?:'|’)s get to \d[\d.,]*)\W*$",
    r"\bif you (?:enjoyed|liked?|enjoy|value)\b.{0,60}\bconsider\b.{0,40}"
    r"\b(?:subscri|becoming a|donat|supporting (?:us|me|our))",
    r"\bfollow (?:him|her|them|me) (?:at|on) (?:@|twitter|instagram|facebook|mastodon|linkedin|x\b)"
    r"|\bnever miss (?:a|an|our)\b.{0,60}\b(?:e-?mail|inbox|alerts?)\b",
    r"\bautomatically marked as stale\b|^\W*i(?: am|'m) using the latest (?:version|release)\b"
    r"|^\W*(?:x )?i use the latest (?:version|release)\W*$"
    r"|\b(?:follow|support|like|share|and|or) (?:me )?(?:and |or )?buy me a coffee\b",
    # reports, rights and forms
    r"\b(?:may|must|can) ?not be (?:reproduced|copied|reprinted)\b.{0,60}\b(?:without|under any|in whole|in any form)\b"
    r"|^\W*(?:please )?do not (?:reproduce|copy|reprint)\b.{0,60}\bwithout\b|\bnot for (?:release|distribution"
    r"|publication)\b"
    r".{0,60}\b(?:release|distribution|publication|jurisdiction)\b",
    r"\binformation\b.{0,60}\bcorrect at (?:the )?time of (?:publication|printing|writing|going)\b"
    r"|\breserves? the right to"
    r" (?:make|change|alter|amend|modify)\b.{0,60}\b(?:notice|at any time|to (?:its|the|this) (?:product|page|site"
    r"|term))|\bnot (?:authori[sz]ed|intended) for use in life[- ]support\b|\bcopies (?:may|can) be (?:bought"
    r"|obtained|purchased|ordered)\b.{0,60}\b(?:from|at|by)\b|\bquote (?:the|this|your|our)"
    r" (?:\w+ )?(?:reference|ref)\b.{0,30}\b(?:correspond|contact|call|writ|communicat)"
    r"|\bcommittee is constituted in accordance with\b|^\W*(?:please )?help us improve (?:our|the"
    r"|this) (?:web)?(?:site|page)|\binclude personal or financial inform",
    r"^\W*i (?:hereby )?give (?:my )?(?:permission|consent) for my (?:child|son/daughter|son or daughter)\b"
    r"|^\W*ticket (?:was|has been) (?:routed|assigned|escalated|reopened|moved) to\b"
    r"|^\W{0,4}¡reserva (?:aquí|ahora)\b.{0,60}!$",
    r"\bthanks are due to\b|\bthere being no (?:further|other|more) business\b|^\W*don['’]t forget\b.{0,100}!$"
    r"|^\W*yes[,!] i (?:want|would like|wish) to\b|\bgift ?aid it\b|\bi am a uk taxpayer\b",
    r"\bshall enter into force on the\b.{0,60}\bpublication\b|\bshall be binding in its entirety\b|^\W*done at \w+, "
    r".{0,30}\d{4}\W*$|^\W*(?:\(\d+\) )?OJ [LC] \d|\brefer the (?:right )?hon\. (?:member|gentleman|lady|friend)\b",
    r"^\W*to report (?:fraud|waste|abuse)\b.{0,60}\b(?:call|hotline|contact|visit|e-?mail)\b"
    r"|\bconducted (?:this|our|the) (?:\w+ )?audit\b.{0,60}\bin accordance with\b"
    r"|\bworked with the applicant\b.{0,40}\bpositive and proactive\b",
    r"\bsafe harbou?r\b.{0,60}\blitigation reform act\b|\bnot historical facts?\b.{0,40}\bforward[- ]looking\b"
    r"|\bno (?:liability|responsibility)\b.{0,40}\baccepted\b.{0,20}\bthird part|\bfor the (?:sole|private|exclusive)\b"
    r".{0,30}\buse of the (?:client|addressee)\b|\bwhich (?:are|were) covered, unexposed or inaccessible\b",
    r"\b(?:present|current) (?:state|level) of (?:our )?knowledge\b.{0,60}\bwarrant(?:y|ies)\b"
    r"|\bwarrant(?:y|ies)\b.{0,80}\b(?:present|current) (?:state|level) of (?:our )?knowledge\b",
    r"(?:^\W*return this|\bplease return (?:this|the)) (?:slip|form|coupon|card) (?:to|by)\b"
    r"|^\W*(?:please )?cut (?:out )?(?:here\b|along (?:the )?(?:dotted|dashed|line|perforat))"
    r"|^\W*tickets\b.{0,30}[£$€].{0,40}\b(?:from|on|at|via)\b.{0,40}\d{3}[\d ]{4,}\W*$"
    r"|^\W*(?:copy|contributions|articles|items) for (?:the|our) .{0,30}\b(?:issue|number"
    r"|edition)\b.{0,60}\bby (?:the )?\d",
    r"^\W*(?:footnote|editor['’]s note|ed\. note)\s*:|^\W*v?\d+(?:\.\d+)+ \(\d{1,2}/\d{1,2}/\d{2,4}\)"
    r"|^\W*funding\s*:.{0,80}\bgrant\b|(?:^|\n)\W*(?:transcribed|digiti[sz]ed) (?:by|from)\b.{0,60}\b(?:19|20)\d\d\W*$",
    # replies and decisions of offices, notes of analysts
    r"\bthank you for your (?:request|enquiry|inquiry|application|order)\b"
    r"|\bexempt (?:from disclosure )?under section"
    r" \d|^\W*yours (?:faithfully|sincerely|truly),|\bre-?use of (?:this|the) information is subject to\b"
    r"|\bhas been (?:passed|forwarded|sent) to\b.{0,60}\byou will receive\b|\byou (?:can|may) also complain to the\b"
    r"|\bplease quote\b.{0,40}\bcorrespondence\b",
    r"^\W*we investigate complaints about\b|\bcomplete our investigation and issue\b"
    r"|\bconsidered the information provided by\b"
    r"|\bopportunity to comment on (?:my|our) draft\b|^\W*i have completed my investigation\b"
    r"|\bconsider whether any fault has\b",
    r"^\W*i make this report under\b|\byour response must contain\b|^\W*i have sent a copy of my report\b"
    r"|\bpublish either or both"
    r" in\b|^\W*i am .{3,60}\bcoroner\b.{0,20}\barea\b|\bi commenced an investigation into the death\b"
    r"|^\W*in my opinion there is a risk that future deaths\b",
    r"\bviews expressed in this (?:report|document|note|research)\b|\breceived compensation for investment banking\b"
    r"|^\W*not for (?:release|distribution|publication) in\b|\bminutes of (?:this|the) meeting will be (?:released"
    r"|published)\b"
    r"|\ball figures, unless otherwise stated\b|\byou don['’]t have permission to (?:view|see|access)\b",
    r"^\W*(?:see )?attach(?:ment|ed)\b.{0,60}\.(?:png|jpe?g|gif|pdf|zip|log|txt|docx?|xlsx?)\b"
    r"|^\W*sent from my \w+(?: \w+)?\W*$"
    r"|^\W*(?:rnds?|rows?) \d+(?:[–-]\d+)?(?: \(.{0,20}\))?:",
    # notices in other languages
    r"^\W*(?:上一篇|下一篇)\s*[:：][^。，]*$|^\W*اقرأ أيضا|^\W*تابعونا على|よろしくお願い(?:いた|申し上げ)\w*[。!！]?$",
    r"^\W*przepraszamy za (?:wszelkie )?utrudnienia\W*$|^\W*administratorem danych\b.{0,60}$"
    r"|\bwykorzystuje pliki cookies?\b"
    r"|^\W*(?:przy .{3,40})?prosimy o podanie źródła\b|\bпри перепечатке\b.{0,60}\b(?:ссылка|обязательна)\b",
    r"^\W*subscreva\b.{0,40}\bnewsletter\b",
    r"\bвсе права защищены\b|\bсвидетельство о регистрации сми\b|\bпри использовании материалов\b"
    r"|^\W*подпишитесь\b.{0,40}\b(?:рассылку|канал|новости)\b|^\W*нашли (?:опечатку|ошибку)\s?\?",
    r"^\W*aan (?:deze|dit|de inhoud)\b.{0,40}\bgeen rechten worden ontleend\W*$|\bohne gewähr\W*$",
    r"\bartiklen fortsætter\b|\bartikkelen fortsetter\b|\bartikeln fortsätter\b|\barticle continues (?:below|after)\b"
    r"|\bbeskyttet af (?:lov om )?ophavsret",
    r"^\W*(?:主办|承办|备案号?|网站标识码)(?:单位)?\s*[:：]",
    r"ऐप डाउनलोड करें|सर्वाधिकार सुरक्षित",
    r"無料会員に登録|会員登録すると|会員限定(?:記事|です)|画像はイメージ(?:です|。|$)",
    r"^\W*(?:特此(?:通知|公告|说明)|.{0,12}敬请谅解|(?:衷心)?感谢.{0,8}(?:理解|配合|支持).{0,12})[。！!]?$",
    r"关注我们|点击.{0,4}(?:蓝字|阅读原文)|(?:长按|扫描|扫一扫|识别).{0,8}二维码|点个.{0,3}在看",
)  # fmt: skip
