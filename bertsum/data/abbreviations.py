"""Abbreviations of languages other than English."""

from __future__ import annotations

# Words before a full stop that does not end a sentence; words after the bar only if a number follows.
ABBREVIATIONS = {
    language: tuple(frozenset(words.split()) for words in line.split("|"))
    for language, line in {
        "ar": "أ.د ا.د د.م م.د | ص.ب",
        "bg": "акад арх бул вх гр доц ж.к инж кв обл общ пл полк проф св ул | ап бр вж гл ет стр тел чл",
        "cs": "Bc Ing JUDr MUDr Mgr PhDr RNDr doc nám prof sv tř ul akad arch | cca kap obr odst s str tab tel č čl",
        "da": "Chr Dr Sct frk hr jf mag prof | Kl art ca fig jf kap kl nr pkt s stk tlf",
        "de": "Abg Bgm Dipl Fa Frl Gem Hl Hr Hrsg Ing Pfr Stv einschl exkl geb inkl iur nat phil rer theol zzgl"
        " | Anm Aufl Hausnr Ziff evtl gest insb mind Jan Feb Apr Jun Jul Aug Sep Sept Okt Nov Dez",
        "el": "Αγ Αρχιμ Βλ Δρ Κ Κα Καθ Κος Λεωφ Πρβλ Σεβ αγ βλ δρ καθ κος λεωφ οδ πρβλ"
        " | Άρ Άρθ Αρ Κεφ Π.Δ Παρ Σελ άρ άρθ αρ αρθ κεφ ν παρ π.δ σελ τηλ χλμ",
        "es": "Av Avda av avda Arq Cap Cía Cnel Ctra D Dr Dra Dña Excmo Fdo Fr Gral Ing Lic Mons Prof Profa Sgto Sr Sra"
        " Sres Srta Sto Sta Ud Uds Vd Alm Dpto Excma Excmos Ilma Ilmo Ilmos Pdte Rvda Rvdo Sras Srtas Tte | ene feb abr"
        " jun jul ago sep sept oct nov dic apdo aprox apto art arts cap dpto ed esc fig figs inc km lit máx mín n núm"
        " núms p párr pp pág págs sig t tel vol vols",
        "et": "dr hr pr prof | lk nr tel",
        "fr": "Cie Dr Gén Ing Lt M MM Me Mgr Mlle Mme Mr Pr Prof St Ste av bd dr prof"
        " | janv févr avr juil sept oct nov déc al ann appt apt art arts bât ch chap col env esc ét fig figs hab max"
        " lun mar mer jeu ven sam dim min n no nos p par pl pp réf sect t tab tél vol vols éd",
        "hi": "डॉ डा प्रो पं श्री सुश्री कु कि मी ले | नं रु क्र सं वि.सं ई.सं पू ई.पू",
        "hr": "Gosp gosp gđa ing prof sv ul | br cca str tab tel čl",
        "hu": "Dr Id Ifj Tsa Özv Prof dr id ifj özv prof | Kb febr jan jún júl kb márc okt old szept sz ápr",
        "id": "Bpk Brigjen Drg Gg Hj Ir Jend Jl Jln KH Kab Kapt Kec Kel Kol Letjen Mayjen Nn Ny Prov Sdr Sdri Tn Ust"
        " Yth | Gbr No Tgl hal hlm no tgl th",
        "is": "dr próf | bls kl nr",
        "it": "Arch Avv Dott Geom Ing Magg Mons On P.zza Prof Rag S Sig Sigg V.le arch avv dott dott.ssa dr geom ing"
        " mons on prof prof.ssa rag sig sig.na sig.ra sigg Egr Gent Gent.ma Ill.mo Spett"
        " | all art artt c ca cap cfr co d.l d.lgs d.m d.p.r D.L D.Lgs D.lgs D.M D.P.R es febbr fig figg int"
        " lett magg max min n nn p pag pagg par pp sec sett tab tel vol",
        "ka": "აკად პროფ | გვ დაახლ ტელ",
        "lt": "akad dr prof | apie nr pan psl tel",
        "lv": "akad dr inž prof | apm lpp nr plkst tālr",
        "mk": "акад арх бул инж проф ул | бр стр тел чл",
        "mr": "डॉ डा प्रा श्री सौ पं अॅड | क्र रु पृ नं इ.स",
        "ne": "डा प्रा श्री पं | नं रु वि.सं ई.सं",
        "nl": "Dhr Dr Drs Ds Ing Ir Jhr Kol Maj Mevr Mr Mw Prof St dhr dr drs ds excl fam incl ing ir jhr mevr mr mw"
        " prof | jan feb mrt apr jun jul aug sep sept okt nov dec afb afl art bijl bijv blz ca fig hfst max min nr nrs"
        " p pag par tel vgl vol",
        "no": "Chr Dr St em frk hr mag prof | Kl art ca des fig jf kap kl nr okt pkt s tlf",
        "pl": "Al Bp Dr Gen Inst Kat Ks Prof Ul Wydz Zakł abp al bp bł dr gen hab im inż kard ks mgr os p pl prof płk"
        " ul św śp | art godz kwiet lit lok lut m nr obj ok par paźdz pkt pok por poz ppkt r rozdz rys s str tab tel"
        " tom ust wrz wyd zał zob",
        "pt": "Arq Av av Cap Cel cel Cia D Dr Dra Dras Drs Eng Exma Exmo Exmos Gen Gov Ilma Ilmo Ltda maj Mons Pe Prof"
        " Profa sgt Sr Sra Sras Srs Srta Sto Sta ten V"
        " | jan fev abr jun jul ago set out nov dez ap aprox apto art arts bl cap cj ed fig figs fl fls inc km lit máx"
        " mín n núm p par pp pág págs qd s séc tel vol vols",
        "ro": "Av Bd Bul Cal Dl Dna Dra Ing Prof Sf Str bd bl dl dna dr ing prof str univ"
        " | alin ap apr art aug bl cca dec et feb fig ian iul iun lit mar nov nr oct pag pct sc sept tel vol",
        "ru": "Доц Имп Ср акад англ асс бул ген доц им имп инж наб оз пер пл пос просп ред св ул | Рис Тел абз"
        " авг апр гл д дек доб кв комн корп нояб ок окт оф п пом пп прибл рис сент см ст стр табл тел февр ч эт янв",
        "sl": "Ga ga gosp ing prof sv ul | cca fig odst str tab tel čl št",
        "sq": "dr prof rr | fq nr tel",
        "sr": "Gđa gđa ing sv ul Гђа др инж проф св ул | br str tab tel čl бр стр таб тел чл",
        "sv": "Chr Dr S:t bl.a s.k t.ex fil fr hr prof | Kl art ca fig kap kl nr okt s tel",
        "sw": "Bi Bw Dk Mh Mhe Ndg Prof | Na",
        "ta": "டாக்டர் திரு திருமதி பேரா செல்வி | எண்",
        "tl": "Bb Bgy Dr G Gng Prof Sta Sto | Blg Tel",
        "tr": "Alb Apt Arş Av Bkz Blv Bul Cad Doç Dr Ecz Gör Hz Korg Mah Mim Müh Op Prof Sk Sn Sok Tuğg Tğm Uzm Yrd Yzb"
        " bkz Öğr Çev çev | M.Ö M.S No Nr Tel s yakl yy",
        "uk": "акад бул вул доц ім оз пл просп пров св смт | Тел абз буд д дод кв корп оф п пп рис ст стор табл тел ч",
        "vi": "BS CN GS Gs KS KTS LS NSND NSƯT PGS TP TS TT TX ThS Ths Tp Ts | tr",
    }.items()
}
# Languages that take those of another.
ALIKE = {
    "nb": "no",
    "nn": "no",
    "sk": "cs",
    "bs": "hr",
    "gl": "pt",
    "ca": "es",
    "af": "nl",
    "az": "tr",
    "be": "ru",
    "kk": "ru",
    "ky": "ru",
    "ms": "id",
    "fa": "ar",
    "ur": "ar",
    "ps": "ar",
    "lo": "th",
}
