"""Words that tell whether a mark ends an English sentence. Those with capitals count only as they stand."""

from __future__ import annotations

from bertsum.text import word_set

# Words that often begin a sentence and are seldom part of a name. After an abbreviation they show an end.
STARTERS = word_set(
    "a about above according across after again against all almost along already also although always am among an and"
    " another any anybody anyone anything are around as at be because been before behind below beneath beside besides"
    " between beyond both but by can compared consequently could critics currently despite did do does during each"
    " earlier either even eventually every everybody everyone everything except few finally for former formerly from"
    " further furthermore given had half has have he hence her here hers herself him himself his historically how"
    " however i if in indeed inside instead into is it its itself just last lastly later least less let like many may"
    " maybe me meanwhile might mine more moreover most much must my myself near neither never nevertheless next no"
    " nobody none nonetheless nor not nothing nothing now of off often on once one only or originally other others"
    " otherwise our ours out outside over overall people perhaps please previously quite rather recently same see"
    " several shall she should similarly since so some somebody someone something sometimes soon still subsequently"
    " such than that the their theirs them then there therefore these they this those though three through throughout"
    " thus to today together tomorrow tonight too toward towards two under unfortunately unless unlike until up upon us"
    " usually very was we well were what whatever when whenever where whereas wherever whether which whichever while"
    " who whoever whom whose why will with within without would yes yesterday yet you your yours"
)
# Abbreviations before a name; the first set only with a capital.
TITLES = word_set(
    "Adm Ald Amb Atty Bp Brig Capt Cdr Chas Chmn Cllr Cmdr Cmdt Col Comdr Cpl Cpt Det Drs Ens Fr Gen Geo Gov Hon Insp"
    " Jas Jos Lieut Lt Ltc Lts Maj Messrs Mlle Mme Mmes Mses Msgr Mt Mts Mx Ofc Pfc Ph Pres Profs Pvt Rep Reps Rev Rt"
    " Secy Sen Sens Sgt Sr Sra Srta Ste Supt Thos Treas Wm"
)
TITLES_IN_ANY_CASE = word_set("dr em hon mr mrs ms prof st v vs")
# Abbreviations before a number. The second set are also words.
NUMBERED = word_set(
    "ann approx appx arts bk bks cf ch chap chaps chs cl cor def defs deg dir eq eqn eqns eqs ex exh exs ext figs fn"
    " fol ibid lem ll loc n° nn nos nr op p para paras pg pgs pl pos pp prob probs refs reg regs rm rs sched secs"
    " posth sect sects ser subd subpt supp suppl tabs tel thm thms vers viz vol vols vv"
)
NUMBERED_WORDS = word_set("add app art ca exp fig lit max min no prop pt ref rule sec stat tab tit")
# Books of the Bible and of antiquity, before a verse or a chapter.
BOOKS = word_set(
    "Chron Cor Deut Eccl Eph Exod Ezek Gal Heb Hos Isa Jer Josh Judg Kgs Lev Matt Neh Philem Prov Ps Pss Rom Thess Zech"
    " Zeph Il Od Aen Georg Ecl Theog"
)
# Writers of antiquity, before a work and a verse: "Hom. Il. 6.146".
WRITERS = word_set(
    "Aesch Apollod Arist Caes Catull Cic Dem Diod Eur Gell Hdt Hes Hom Hor Juv Liv Lucr Mart Ov Paus Plat Plin Plut"
    " Polyb Prop Quint Sall Soph Strab Suet Tac Thuc Verg Virg Xen"
)
MONTHS = word_set("jan feb mar apr jun jul aug sep sept oct nov dec")
WEEKDAYS = word_set("Mon Tue Tues Wed Weds Thu Thur Thurs Fri Sat Sun")
DAYS = word_set(
    "monday tuesday wednesday thursday friday saturday sunday mondays tuesdays wednesdays thursdays fridays saturdays"
    " sundays est edt cst cdt mst mdt pst pdt gmt utc cet cest bst january february march april may june july august"
    " september october november december"
)
# Abbreviations that end a sentence if a word of STARTERS follows; the first set only with a capital.
OPEN_NAMES = word_set(
    "Cas Elec Exch Indem Ins Mach Prods Ry"
    " Acad Apr Apt Assn Assoc Asst Ave Bldg Blvd Bros Civ Co Comp Conf Corp Cos Crim Ct Dept Depts Dist Div Esq Est"
    " Expy Ft Govt Hwy Inc Inst Intl Jr Lab Ltd Med Mfg Mgr Natl Pkwy Plc Pty Pub Rd Sch Sq Tech Terr Univ Ala Ariz"
    " Ark Calif Colo Conn Del Fla Ga Ill Ind Kan Ky La Md Mich Minn Miss Mo Mont Neb Nev Okla Ont Ore Pa Que Tenn Tex"
    " Va Vt Wash Wis Wyo"
)
OPEN = word_set(
    "abbr al apt assn ave bldg blvd bros co corp dept depts ed eds esp esq est et etc hwy inc incl inst ltd misc orig"
    " plc pty publ rd resp st trans univ usu var"
)
# Abbreviations inside a sentence: before a small letter they do not end it.
INNER = word_set(
    "admin avg asst conf cont cum dev dir dist est freq gen gov govt hon intl lat long mech med mgr natl neg obj"
    " orig pos pres proc pseud qty rel rep sen std symp temp tech var ver vert gal gals pt pts qt qts hr hrs mins mos"
    " movt movts wk wks yr yrs"
)
# Nouns before a letter that is not an initial: "plan A. We".
BEFORE_A_LETTER = word_set(
    "plan type class grade group part point section appendix annex option vitamin hepatitis level team model figure"
    " table column row line route room unit block zone phase stage category case form schedule exhibit chapter building"
    " gate platform track version variant size side step lane box channel terminal"
)
