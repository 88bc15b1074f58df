"""A fictional paragraph of each language, sentence by sentence, with a reference summary of one of its sentences."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Paragraph:
    """Sentences with the white space after them.

    Attributes:
        sentences: They, as they should be split.
        summary: A reference that says what one of them says, in other words.
        oracle: Which one.
    """

    sentences: list[str]
    summary: str
    oracle: int


PARAGRAPHS = {
    "ar": Paragraph(
        [
            "قرر مجلس مدينة النخيل أمس شراء الطاحونة القديمة بمبلغ 1.5 مليون درهم. ",
            "يقع المبنى في شارع الورد رقم 7، وهو مهجور منذ عام 1987م. ",
            "«نحن ننقذ جزءًا من تاريخنا»، قالت رئيسة البلدية د. ليلى حداد. ",
            "تبدأ أعمال الترميم في 12 مارس وتستمر حتى الخريف… ",
            "هل ستعود عائلة الطحان؟ ",
            "لا أحد يعرف حتى الآن... ",
            "بحسب أ. د. سامي النجار، بُني البيت في القرن التاسع عشر؛ وقد رُمّم مرتين. ",
            "الدخول مجاني!",
        ],
        "بني البيت في القـــرن التاسع عشر",
        6,
    ),
    "de": Paragraph(
        [
            "Der Stadtrat von Hellbrück hat am 3. Oktober beschlossen, die alte Mühle zu kaufen. ",
            "Das Gebäude kostet ca. 1,5 Mio. Euro, d. h. rund 250 Euro pro Einwohner. ",
            "„Wir retten ein Stück Geschichte … Mehr nicht“, sagte Bürgermeisterin Dr. Anna Weidner. ",
            "Die Sanierung beginnt am 12. März 2025 und dauert z. B. bei schlechtem Wetter bis zum Herbst. ",
            "Ob die Müllerfamilie zurückkehrt? ",
            "Das weiß bisher niemand … ",
            "Nach Angaben von Dipl.-Ing. Karl Lind steht das Haus in der Bahnhofstr. 7 seit dem 18. Jahrhundert leer. ",
            "1987 brannte es dort. ",
            "„Es war höchste Zeit!“, rief ein Besucher. ",
            "Der Eintritt bleibt frei.",
        ],
        "Stadtrat will die alte Mühle kaufen",
        0,
    ),
    "el": Paragraph(
        [
            "Το δημοτικό συμβούλιο αποφάσισε χθες να αγοράσει τον παλιό μύλο. ",
            "Το κτίριο είναι άδειο από το 1987 λόγω υγρασίας. ",
            "Θα επιστρέψει η οικογένεια του μυλωνά; ",
            "Κανείς δεν ξέρει ακόμα… ",
            "Η είσοδος θα είναι δωρεάν!",
        ],
        "άδειο από το 1987",
        1,
    ),
    "en": Paragraph(
        [
            "The city council of Millbrook decided on Oct. 3 to buy the old mill for $1.5 million. ",
            "The house at 7 Garden St. has been empty since 1987. ",
            '"We are saving our history," said Dr. Ruth Bell. ',
            "Will the family return? ",
            "Nobody knows yet... ",
            "Entry will be free!",
        ],
        "City council buys the old mill",
        0,
    ),
    "es": Paragraph(
        [
            "El ayuntamiento de Valdorado decidió ayer comprar el viejo molino por 1,5 millones de euros. ",
            "El edificio, en la Avda. de las Lilas núm. 7, está vacío desde 1987. ",
            "«Salvamos una parte de nuestra historia», dijo la alcaldesa, la Sra. Ruiz. ",
            "¿Volverá la familia del molinero? ",
            "Todavía nadie lo sabe... ",
            "¡La entrada será gratuita!",
        ],
        "El edificio está vacío",
        1,
    ),
    "fa": Paragraph(
        [
            "شورای شهر سروستان دیروز تصمیم گرفت آسیاب قدیمی را به قیمت ۱٫۵ میلیارد تومان بخرد. ",
            "این ساختمان در خیابان گل\u200cها شماره ۷ است و از سال ۱۳۶۶ خالی مانده است. ",
            "شهردار، دکتر م. صدری، گفت: «ما تاریخ خود را نجات می\u200cدهیم.» ",
            "آیا خانوادهٔ آسیابان بازمی\u200cگردد؟ ",
            "هنوز کسی نمی\u200cداند… ",
            "ورود رایگان است!",
        ],
        "تاريخ خود را نجات ميدهيم",  # Arabic yeh, and no joiner
        2,
    ),
    "fr": Paragraph(
        [
            "Le conseil municipal de Valbrune a décidé hier d'acheter le vieux moulin pour 1,5 million d'euros. ",
            "Le bâtiment de la rue des Lilas est vide depuis 1987. ",
            "M. J.-P. Roche reviendra-t-il ? ",
            "Personne ne le sait encore… ",
            "L'entrée sera gratuite !",
        ],
        "vide depuis 1987",
        1,
    ),
    "he": Paragraph(
        [
            "מועצת העיר נהר ירוק החליטה אתמול לקנות את הטחנה הישנה ב-1.5 מיליון שקל. ",
            "הבניין ריק מאז 1987. ",
            '״אנחנו מצילים חלק מההיסטוריה שלנו״, אמרה ראש העיר ד"ר רות לוי. ',
            "האם המשפחה תחזור? ",
            "הכניסה חופשית!",
        ],
        "הבניין ריק",
        1,
    ),
    "hi": Paragraph(
        [
            "नीलगंज नगर परिषद ने कल पुरानी चक्की को 1.5 करोड़ रुपये में खरीदने का फैसला किया। ",
            "यह इमारत गुलाब मार्ग, मकान नं. 7 पर है और 1987 से खाली पड़ी है।",
            "2015 में यहाँ आग लगी थी| ",
            "महापौर डॉ. मीरा वर्मा ने कहा कि शहर अपने इतिहास का एक हिस्सा बचा रहा है। ",
            "मरम्मत 12 मार्च को सुबह 8.30 बजे शुरू होगी और 3 कि. मी. दूर तक सड़क बंद रहेगी। ",
            "क्या चक्की वाले का परिवार लौटेगा? ",
            "अभी कोई नहीं जानता… ",
            "प्रो. के. आर. शुक्ल के अनुसार यह घर १९वीं सदी में बना था। ",
            "प्रवेश निःशुल्क रहेगा!",
        ],
        "घर १९वीं सदी में बना",
        7,
    ),
    "id": Paragraph(
        [
            "Dewan Kota Tirtamulya memutuskan membeli penggilingan tua seharga Rp1,5 miliar. ",
            "Bangunan di Jl. Melati No. 7 itu kosong sejak tahun 1987. ",
            "“Kami menyelamatkan sebagian sejarah kami,” kata Wali Kota Dr. Ir. Sri Wulandari, M.Si. ",
            "Perbaikan dimulai pukul 08.00 pada tanggal 12 Maret dan berlangsung s.d. musim kemarau. ",
            "Apakah keluarga penggiling akan kembali? ",
            "Belum ada yang tahu… ",
            "Menurut Prof. Budi Santoso, rumah itu dibangun dll. oleh a.n. pemilik lama. ",
            "Masuknya gratis!",
        ],
        "Dewan Kota membeli penggilingan tua",
        0,
    ),
    "ja": Paragraph(
        [
            "青石市議会は昨日、古い水車小屋を1.5億円で買い取ることを決めた。",
            "1987年から空き家になっている。",
            "「私たちは自分たちの歴史を救っているのです。」と林市長は語った。",
            "修理は3月12日8時30分に始まり、秋まで続く。",
            "水車小屋の家族は戻ってくるのだろうか？",
            "今のところ誰も知らない……。",
            "歴史学者の森さん（元館長。すでに引退）によると、家は19世紀に建てられた。",
            "見学は無料だ！",
        ],
        "家は１９世紀に建てられた",  # full-width digits
        6,
    ),
    "ko": Paragraph(
        [
            "청석시 의회는 어제 오래된 방앗간을 1.5억 원에 사들이기로 결정했다. ",
            "건물은 꽃길 7번지에 있으며 1987년부터 비어 있었다. ",
            "임서연 시장은 “우리는 우리의 역사를 구하고 있습니다.”라고 말했다. ",
            "수리는 3월 12일 8시 30분에 시작되어 가을까지 계속된다. ",
            "방앗간 가족은 돌아올까? ",
            "아직은 아무도 모른다… ",
            "역사학자 문 박사에 따르면 이 집은 19세기에 지어졌다. ",
            "입장은 무료다!",
        ],
        "이 집은 19세기에 지어졌다",
        6,
    ),
    "mr": Paragraph(
        [
            "नीलगाव नगरपरिषदेने काल जुनी गिरणी दीड कोटी रुपयांना विकत घेण्याचा निर्णय घेतला. ",
            "डॉ. पाटील यांच्या मते ही इमारत १९८७ पासून रिकामी आहे. ",
            "गिरणीवाल्याचे कुटुंब परत येईल का? ",
            "प्रवेश विनामूल्य असेल!",
        ],
        "इमारत रिकामी आहे",
        1,
    ),
    "ru": Paragraph(
        [
            "Городской совет Заречинска решил купить старую мельницу за 1,5 млн руб. у частного владельца. ",
            "Здание построили в XIX в. и не ремонтировали с 1987 г. по настоящее время. ",
            "«Мы спасаем часть нашей истории», — сказала мэр А. С. Лаптева. ",
            "— Когда начнётся ремонт? — спросил её журналист. ",
            "Работы продлятся до осени, т. е. около шести месяцев. ",
            "По словам доц. Громова из музея им. Лескова, в доме на ул. Садовой давно никто не живёт… ",
            "Вход будет бесплатным!",
        ],
        "Городской совет купит старую мельницу",
        0,
    ),
    "th": Paragraph(
        [
            "สภาเมืองธารทองตัดสินใจเมื่อวานนี้ว่าจะซื้อโรงสีเก่าในราคา 1.5 ล้านบาท ",
            "อาคารเลขที่ 7 ถนนดอกไม้ ว่างเปล่ามาตั้งแต่ปี พ.ศ. 2530 และไม่มีใครเข้าไปดูแลเลย ",
            "นายกเทศมนตรี ดร. สายใจ ใจดี กล่าวว่าเรากำลังรักษาประวัติศาสตร์ของเรา ",
            "การซ่อมแซมจะเริ่มในวันที่ 12 มีนาคม เวลา 8.30 น. และจะดำเนินไปจนถึงฤดูหนาว ",
            "ครอบครัวเจ้าของโรงสีจะกลับมาหรือไม่? ",
            "ตอนนี้ยังไม่มีใครรู้",
        ],
        "สภาเมืองซื้อโรงสีเก่า",
        0,
    ),
    "tr": Paragraph(
        [
            "Yeşilova Belediye Meclisi, eski değirmeni 1,5 milyon liraya satın almaya karar verdi. ",
            "Bina 19. yüzyılda yapıldı ve 1987'den beri boş duruyor. ",
            "“Tarihimizin bir parçasını kurtarıyoruz.” dedi Belediye Başkanı Dr. Ayşe Kılıç. ",
            "Onarım 12. haftada başlayacak ve vb. işlerle birlikte sonbahara kadar sürecek. ",
            "Peki değirmenci ailesi geri dönecek mi? ",
            "Bunu şimdilik kimse bilmiyor… ",
            "Doç. Dr. İsmail Işık'a göre Atatürk Cad. No. 7'deki ev II. Mahmut döneminden kalma. ",
            "Giriş ücretsiz olacak!",
        ],
        "Belediye Meclisi eski değirmeni satın alacak",
        0,
    ),
    "uk": Paragraph(
        [
            "Міська рада Зарічанська вирішила купити старий млин за 1,5 млн грн у приватного власника. ",
            "Будівлю звели в ХІХ ст. і не ремонтували з 1987 р. через брак коштів. ",
            "«Ми рятуємо частину нашої історії», — сказала мер О. П. Лановенко. ",
            "Чи повернеться родина мельника? ",
            "Вхід буде безкоштовним!",
        ],
        "Чи повернеться родина",
        3,
    ),
    "ur": Paragraph(
        [
            "نیل پور کی شہری کونسل نے کل پرانی چکی کو 1.5 کروڑ روپے میں خریدنے کا فیصلہ کیا۔ ",
            "یہ عمارت گلاب روڈ پر واقع ہے اور 1987ء سے خالی پڑی ہے۔",
            "2015 میں یہاں آگ لگی تھی۔ ",
            "کیا چکی والے کا خاندان واپس آئے گا؟ ",
            "داخلہ مفت ہوگا!",
        ],
        "عمارت خالی پڑی ہے",
        1,
    ),
    "vi": Paragraph(
        [
            "Hội đồng thành phố Thanh Khê quyết định mua lại nhà máy xay cũ với giá 1,5 tỷ đồng. ",
            "Tòa nhà ở số 7 đường Hoa Sữa, TP. Thanh Khê bị bỏ trống từ năm 1987. ",
            "“Chúng tôi đang cứu một phần lịch sử của mình…”, bà thị trưởng Nguyễn Thị Lan nói. ",
            "Việc sửa chữa bắt đầu lúc 8.30 ngày 12.3 và kéo dài đến mùa thu. ",
            "Gia đình chủ máy xay có trở lại không? ",
            "Chưa ai biết… ",
            "Theo PGS. TS. Trần Văn Bình, ngôi nhà được xây từ thế kỷ 19. ",
            "Vào cửa miễn phí!",
        ],
        "Ngôi nhà được xây từ thế kỷ 19",
        6,
    ),
    "zh": Paragraph(
        [
            "青石市议会昨天决定以1.5亿元买下老磨坊。",
            "1987年以来，这座花园路7号的建筑一直空置。",
            "市长林若兰说：“我们是在抢救自己的历史！”",
            "维修将从3月12日8:30开始，一直持续到秋天。",
            "磨坊主一家会回来吗？",
            "目前还没有人知道……",
            "历史学者周明远（曾任馆长。现已退休）认为，这所房子建于19世纪。",
            "他补充道：“木梁保存完好。屋顶需要更换。”",
            "U.S.A.公司提供了材料.",
            "2015年它也帮过忙。",
            "参观免费！",
        ],
        "这所房子建于19世纪",
        6,
    ),
}
