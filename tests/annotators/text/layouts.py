"""Small pages as the site builders of these years lay them out, each with sentences of its main text and of what is around it."""

from __future__ import annotations

from typing import NamedTuple

TEXT = {
    "en": (
        "The bakery on the corner has used the same oven since the flood, and nobody is allowed to lean against its door.",
        "On Fridays the owner bakes a dark loaf with caraway that must rest for a night before it is cut.",
        "A second oven was bought at an auction last spring, but it still stands in the yard under a blue sheet.",
        "Children from the school across the road get the broken biscuits, wrapped in yesterday's order sheets.",
    ),
    "de": (
        "Die alte Mühle am Bach mahlt wieder Korn, seit ein Verein das Rad im Herbst instand gesetzt hat.",
        "Wer Mehl kaufen will, muss samstags vor neun Uhr kommen, denn danach ist der Vorrat meistens weg.",
        "Im Winter friert der Zulauf zu, und die Müllerin führt dann Schulklassen durch die stille Stube.",
        "Geblieben sind zwei Mahlsteine aus der Eifel, die jedes Jahr von Hand neu geschärft werden.",
    ),
    "fr": (
        "La passerelle du canal a rouvert samedi matin, après dix-huit mois de travaux et deux crues imprévues.",
        "Les riverains ont gardé l'habitude de faire le détour par l'écluse, où le gardien vend encore du café.",
        "Une plaque rappelle désormais le nom des ouvriers qui avaient riveté la première charpente.",
        "Le soir, les lampes s'allument une à une et dessinent sur l'eau une ligne tremblante.",
    ),
    "ar": (
        "عاد السوق القديم إلى الحياة بعد أن رمم الحرفيون سقفه الخشبي خلال عامين من العمل المتواصل.",
        "يفتح الباعة دكاكينهم قبل الفجر، وتفوح في الأزقة رائحة الخبز والقهوة والهيل.",
        "وقد خصصت البلدية ساحة صغيرة للأطفال حتى لا يلعبوا بين عربات الخضار.",
        "ويقول أكبر التجار سنا إنه لم ير المكان مزدحما هكذا منذ ثلاثين عاما.",
    ),
    "ja": (
        "駅前の古い時計台は、春の改修を終えて、ふたたび正午に鐘を鳴らすようになりました。",
        "部品の多くは手作りで、町の職人たちが図面のないまま一つずつ削り出したものです。",
        "朝の通学路では、子どもたちが針の位置を見て走る速さを決めているそうです。",
        "冬には雪が文字盤を隠すため、管理人が梯子を登って静かに払い落とします。",
    ),
    "ru": (
        "Старая пристань снова принимает лодки, хотя половину досок пришлось заменить прошлой осенью.",
        "По утрам здесь пахнет смолой и рыбой, а чайки сидят рядами на перилах и ждут рыбаков.",
        "Смотритель ведет тетрадь, куда записывает уровень воды и имена всех, кто вышел на озеро.",
        "К вечеру туман ложится так низко, что фонарь зажигают за час до заката.",
    ),
}


class Layout(NamedTuple):
    """A page, what of it is main text, and what is not."""

    name: str
    page: str
    wanted: tuple[str, ...]
    unwanted: tuple[str, ...]


def _p(lang: str = "en", some: slice = slice(None)) -> str:
    return "".join(f"<p>{sentence}</p>" for sentence in TEXT[lang][some])


def _page(title: str, body: str, lang: str = "en", head: str = "") -> str:
    direction = " dir=rtl" if lang == "ar" else ""
    return f"<!doctype html><html lang={lang}{direction}><head><meta charset=utf-8><title>{title}</title>{head}</head><body>{body}</body></html>"


def _links(*names: str, tag: str = "li") -> str:
    return "".join(f'<{tag}><a href="/{number}">{name}</a></{tag}>' for number, name in enumerate(names))


_MENU = ("Start here", "Shop all", "Journal", "Press room", "Work with us")
_OTHERS = (
    "Seven ways to store a pumpkin",
    "Our tram is late again, says council",
    "What the harbour master wants",
)


def layouts() -> list[Layout]:
    """All of them."""
    return [*_blogs(), *_news(), *_references(), *_talk(), *_shops(), *_elsewhere()]


def _blogs() -> list[Layout]:
    wordpress = f"""<div id=page class="site"><header id=masthead class=site-header><p class=site-title><a href=/>Crumbs & Crust</a></p><nav id=site-navigation class=main-navigation><ul class=menu>{_links(*_MENU)}</ul></nav></header>
<div id=content class=site-content><main id=main class=site-main><article id=post-12 class="post type-post status-publish hentry category-bread"><header class=entry-header><h1 class=entry-title>The oven</h1><div class=entry-meta><span class=posted-on>Posted on <a href=#><time class="entry-date published">12 March 2024</time></a></span> <span class=byline>by <a class="url fn n" href=/a>Nora Plum</a></span></div></header>
<div class=entry-content>{_p()}<div class="sharedaddy sd-sharing-enabled"><h3 class=sd-title>Share this:</h3><ul>{_links("Click to share on Twitter", "Click to share on Facebook")}</ul></div><div id=jp-relatedposts class=jp-relatedposts><h3 class=jp-relatedposts-headline>Related</h3></div></div>
<footer class=entry-footer><span class=cat-links>Posted in <a href=/b>Bread</a></span><span class=tags-links>Tagged <a href=/c>caraway</a>, <a href=/d>ovens</a></span></footer></article>
<nav class="navigation post-navigation"><div class=nav-links><div class=nav-previous><a href=/p>Previous Post: Rye in the rain</a></div></div></nav><div id=comments class=comments-area><h2 class=comments-title>2 thoughts on “The oven”</h2><ol class=comment-list><li class=comment><div class=comment-body><div class=comment-content><p>My grandmother had one of these and it never once got cold.</p></div></div></li></ol><div id=respond class=comment-respond><h3>Leave a Reply</h3><p>Your email address will not be published. Required fields are marked *</p></div></div></main>
<aside id=secondary class=widget-area><section class="widget widget_recent_entries"><h2 class=widget-title>Recent Posts</h2><ul>{_links(*_OTHERS)}</ul></section><section class="widget widget_text"><p>I am Nora and I write about flour, water and patience from a very small kitchen.</p></section></aside></div><footer id=colophon class=site-footer><div class=site-info>Proudly powered by WordPress</div></footer></div>"""
    ghost = f"""<div class=gh-viewport><header id=gh-head class="gh-head outer"><nav class="gh-head-inner inner"><a class=gh-head-logo href=/>Mill Notes</a><ul class=nav>{_links(*_MENU)}</ul><a class="gh-button" href=#/portal/signup>Subscribe</a></nav></header><main class="gh-main"><article class="gh-article post tag-mill"><header class="gh-article-header gh-canvas"><span class=gh-article-tag><a href=/t>Handwerk</a></span><h1 class=gh-article-title>Die Mühle</h1><p class=gh-article-excerpt>Ein Rad dreht sich wieder.</p><section class=gh-article-meta><h4 class=gh-author-name><a href=/a>Ina Bachmann</a></h4><div class=byline-meta-content><time>3. Mai 2023</time><span class=byline-reading-time>4 Min. Lesezeit</span></div></section></header><section class="gh-content gh-canvas">{_p("de")}<figure class="kg-card kg-bookmark-card"><a class=kg-bookmark-container href=/x><div class=kg-bookmark-content><div class=kg-bookmark-title>Mühlentag im ganzen Land</div><div class=kg-bookmark-description>Alle Termine zum Herunterladen auf einen Blick.</div></div></a></figure></section></article></main><aside class="gh-readmore-wrap"><h3 class=gh-readmore-title>Mehr lesen</h3><div class=gh-feed><article class="gh-card post"><a class=gh-card-link href=/y><h3 class=gh-card-title>Das Wehr muss warten</h3><p class=gh-card-excerpt>Der Kreis hat kein Geld, und der Fluss hat Zeit, sagt der Wasserwart im Gespräch.</p></a></article></div></aside><section class="gh-cta"><h4>Melde dich für weitere Beiträge an</h4></section><footer class=gh-foot><p>© 2023 Mill Notes. Published with Ghost.</p></footer></div>"""
    substack = f"""<div id=entry><div id=main class="main typography use-theme-bg"><div class="main-menu"><a href=/>The Slow Loaf</a><button class="button primary">Subscribe</button><button>Sign in</button></div><div class=single-post-container><article class="newsletter-post post"><div class=post-header><h1 class="post-title published">The second oven</h1><h3 class=subtitle>Or how to own too much iron</h3><div class="byline-wrapper"><a href=/@n>Nora Plum</a><div class=pencraft>Mar 12, 2024</div></div><div class="post-ufi"><a class=like-button>48</a><a>Share</a></div></div><div class="available-content"><div class="body markup" dir=auto>{_p(some=slice(0, 2))}<div class="subscription-widget-wrap"><div class=subscription-widget><div class=preamble><p>The Slow Loaf is a reader-supported publication. To receive new posts and support my work, consider becoming a free or paid subscriber.</p></div><form><input type=email placeholder="Type your email…"></form></div></div>{_p(some=slice(2, None))}</div></div><div class=post-footer><div class="comments-section"><h4>6 Comments</h4><div class=comment><div class=comment-body><p>Please put the sheet back on before the frost, I beg you.</p></div></div></div></div></article></div></div></div>"""
    medium = f"""<div id=root><div class="a b c"><div class="d e f"><a href=/>Open in app</a><a href=/u>Sign up</a><a href=/i>Sign in</a></div><article><div class="l"><section><div><div class="fj fk"><h1 id=ab12 class="pw-post-title go gp">The caraway loaf</h1><div class="speechify-ignore"><a href=/@nora>Nora Plum</a><span>·</span><button>Follow</button><span>5 min read</span><span>Mar 12, 2024</span></div><div class="speechify-ignore"><span>112</span><span>3</span><span>Listen</span><span>Share</span></div>{"".join(f'<p id=x{n} class="pw-post-body-paragraph hi hj">{s}</p>' for n, s in enumerate(TEXT["en"]))}</div></div></section></div></article><div class="g h"><div><a href=/tag/bread>Bread</a><a href=/tag/oven>Ovens</a></div><div><h2>Written by Nora Plum</h2><span>1.2K Followers</span><p>Baker, late riser, keeper of one and a half ovens.</p><button>Follow</button></div><div><h2>More from Nora Plum</h2><div><h3>Rye in the rain, and other accidents of the season</h3><p>A short list of things that went wrong and were eaten anyway.</p></div></div><div><a href=/h>Help</a><a href=/s>Status</a><a href=/p>Privacy</a><a href=/t>Terms</a></div></div></div></div>"""
    blogger = f"""<div class=content><div class=header-outer><h1 class=title><a href=/>Le Canal</a></h1></div><div class=main-outer><div class=column-center-outer><div class="main section" id=main><div class="widget Blog"><div class=blog-posts><div class=date-outer><h2 class=date-header><span>samedi 4 mai 2019</span></h2><div class=date-posts><div class="post hentry"><h3 class="post-title entry-title">La passerelle</h3><div class="post-body entry-content">{"<br /><br />".join(TEXT["fr"])}<div style="clear: both;"></div></div><div class=post-footer><span class="post-author vcard">Publié par <span class=fn>Maud Riva</span></span> <span class=post-timestamp>à <a href=#>18:40</a></span> <span class=post-labels>Libellés : <a href=/l>canal</a></span></div></div><div class=comments id=comments><h4>1 commentaire:</h4><p>Bravo aux ouvriers, il était temps de leur rendre cet hommage.</p></div></div></div></div></div></div></div><div class=column-right-outer><aside><div class=widget><h2>Archives du blog</h2><ul>{_links("mai 2019 (3)", "avril 2019 (7)", "mars 2019 (2)")}</ul></div></aside></div></div></div>"""
    jekyll = f"""<nav class=navbar><a class=title href=/>crumbs</a><a href=/about>about</a><a href=/rss>rss</a></nav><main><h1>The yard</h1><p class=date>2022-11-02</p>{_p()}<hr><p><a href=/older>← Older: Rye in the rain</a> · <a href=/newer>Newer: Salt →</a></p></main><footer><p>Built with a static generator. Source on a forge near you.</p></footer>"""
    en, de, fr = TEXT["en"], TEXT["de"], TEXT["fr"]
    return [
        Layout("WordPress", _page("The oven – Crumbs &amp; Crust", wordpress), en, ("Nora Plum", "never once got cold", "Seven ways", "Proudly powered", "Required fields", "patience", "Rye in the rain")),
        Layout("Ghost", _page("Die Mühle", ghost, "de"), de, ("Ina Bachmann", "Das Wehr muss warten", "der Fluss hat Zeit", "Published with Ghost", "Lesezeit")),
        Layout("Substack", _page("The second oven", substack), en, ("reader-supported", "before the frost", "Sign in")),
        Layout("Medium", _page("The caraway loaf | Medium", medium), en, ("Open in app", "min read", "late riser", "eaten anyway", "Terms")),
        Layout("Blogger", _page("Le Canal: La passerelle", blogger, "fr"), fr, ("Maud Riva", "avril 2019", "il était temps")),
        Layout("a static generator", _page("The yard", jekyll), en, ("rss", "Newer: Salt", "forge near you")),
    ]  # fmt: skip


def _news() -> list[Layout]:
    teasers = "".join(
        f'<article class="card"><a href=/{n}><h3 class=card__title>{name}</h3></a><p class=card__text>{name}, and what the people who live beside it had to say about the whole thing on Tuesday.</p></article>'
        for n, name in enumerate(_OTHERS)
    )
    chain = f"""<div class="c-block"><header class=o-header><button>Menu</button><ul>{_links(*_MENU)}</ul></header><main><div class="article-page"><h1 class=headline>Oven moves</h1><h2 class=standfirst>It took nine people and a borrowed trailer.</h2><div class=byline>By <a href=/a>Nora Plum</a>, Food Editor</div><figure><img src=x><figcaption>The oven on its way. Photo: Lee Harbour / Agency</figcaption></figure><div class="article-body__content">{_p(some=slice(0, 2))}<div class=ad-slot data-ad>Advertisement</div><aside class="related-inline"><h4>Read more</h4><a href=/1>{_OTHERS[0]}</a></aside>{_p(some=slice(2, None))}</div><div class=article-tags><a href=/t>Ovens</a><a href=/t2>Town centre</a></div></div><section class=more-stories><h2>More from Food</h2>{teasers}</section></main><footer><p>Registered in the county as a newspaper. All rights reserved.</p></footer></div>"""
    endless = f"""<div id=app><div class="story-list">{"".join(f"<article class=story><h1>{title}</h1><div class=story-body>{body}</div></article>" for title, body in (("The oven", _p() + _p(some=slice(0, 1)).replace("bakery", "workshop")),))}<article class=story-preview><h2>{_OTHERS[1]}</h2><p>The tram was eleven minutes late on Monday and nine on Wednesday.</p><a href=/2>Continue reading</a></article><article class=story-preview><h2>{_OTHERS[2]}</h2><p>He wants a crane, a clerk and a quieter office than the one he has.</p><a href=/3>Continue reading</a></article></div></div>"""
    updates = "".join(
        f'<article class="live-update" id=u{n}><time>{17 - n}:05</time><h3>Update {n}</h3><div class=update-body><p>{sentence}</p></div></article>'
        for n, sentence in enumerate(TEXT["de"])
    )
    live = f"""<header class=page-header><nav><ul>{_links("Startseite", "Region", "Sport", "Abo")}</ul></nav></header><main><h1>Liveticker zur Mühle</h1><div class=liveblog>{updates}</div></main><aside class=sidebar><h3>Meistgelesen</h3><ol>{_links("Stau auf der Landstraße", "Wetter bleibt mild")}</ol></aside>"""
    rtl = f"""<div class="site-wrap"><header><nav><ul>{_links("الرئيسية", "سياسة", "رياضة", "اتصل بنا")}</ul></nav></header><div class=article-content><h1>السوق القديم</h1><span class=author>كتبت: ليلى حداد</span>{_p("ar")}</div><div class=related><h3>اقرأ أيضا</h3><ul>{_links("ارتفاع أسعار الخضار", "افتتاح مدرسة جديدة")}</ul></div><footer><p>جميع الحقوق محفوظة</p></footer></div>"""
    cjk = f"""<div id=wrapper><div id=header><ul class=gnav>{_links("トップ", "社会", "スポーツ", "お問い合わせ")}</ul></div><div id=contents><div class=news_detail><h1>時計台</h1><p class=date>2023年5月3日 10時00分</p><div class=news_text>{_p("ja")}</div><ul class=sns>{_links("ツイート", "シェアする")}</ul></div><div class=ranking><h2>アクセスランキング</h2><ol>{_links("大雨で橋が通行止めに", "商店街に新しいパン屋")}</ol></div></div><div id=footer><p>記事の無断転載を禁じます。</p></div></div>"""
    copy = f"""<main><div class="desktop"><h1>Oven moves</h1>{_p()}{_p("de")}</div><div class=data-copy><div>The oven</div><div>2024-03-12T10:00:00+01:00</div><div>{" ".join((*TEXT["en"], *TEXT["de"]))}</div></div></main>"""
    en = TEXT["en"]
    return [
        Layout("a newspaper", _page("Oven moves", chain), en, ("Food Editor", "Lee Harbour", "Seven ways", "Advertisement", "on Tuesday", "Town centre", "All rights")),
        Layout("previews below a story", _page("The oven", endless), en, ("eleven minutes late", "quieter office", "Continue reading")),
        Layout("a live blog", _page("Liveticker zur Mühle", live, "de"), TEXT["de"], ("Stau auf der", "Startseite")),
        Layout("from right to left", _page("السوق القديم", rtl, "ar"), TEXT["ar"], ("الرئيسية", "ليلى حداد", "ارتفاع أسعار", "جميع الحقوق")),
        Layout("without spaces", _page("時計台", cjk, "ja"), TEXT["ja"], ("お問い合わせ", "大雨で橋が", "無断転載", "シェアする")),
        Layout("an article given twice", _page("Oven moves", copy), (*en, *TEXT["de"]), ("2024-03-12T",)),
    ]  # fmt: skip


def _references() -> list[Layout]:
    wiki = f"""<div id=mw-page-base></div><div id=content class=mw-body role=main><h1 id=firstHeading>Mill</h1><div id=bodyContent class=vector-body><div id=siteSub class=noprint>From the free handbook</div><div id=mw-content-text class=mw-body-content><div class=mw-parser-output><table class="infobox vcard"><tr><th>Built</th><td>1712</td></tr><tr><th>Stones</th><td>2</td></tr></table>{_p("en", slice(0, 2))}<div id=toc class=toc><h2>Contents</h2><ul><li><a href=#h>1 History</a></li></ul></div><h2><span class=mw-headline id=h>History</span><span class=mw-editsection><span>[</span><a href=/e>edit</a><span>]</span></span></h2>{_p("en", slice(2, None))}</div></div><div id=catlinks class=catlinks><a href=/c>Categories</a>: <ul>{_links("Mills on small rivers")}</ul></div></div></div><div id=mw-navigation><div id=p-navigation class=portal><h3>Navigation</h3><ul>{_links("Main page", "Random article", "Recent changes")}</ul></div></div><div id=footer role=contentinfo><ul><li>This page was last edited on 3 May 2021, at 10:00.</li></ul></div>"""
    docs = f"""<div class=md-container><header class=md-header><a href=/>ovenlib</a><form class=md-search><input placeholder=Search></form></header><div class=md-main><div class="md-sidebar md-sidebar--primary"><nav class=md-nav><ul>{_links("Getting started", "Thermostat API", "Changelog")}</ul></nav></div><div class=md-content><article class="md-content__inner md-typeset"><a class=md-content__button title="Edit this page" href=/e>Edit</a><h1>Thermostat</h1><p>Call <code>heat()</code> once before the first loaf, and never while the door is open.</p><div class=highlight><pre><code>from ovenlib import heat\nheat(celsius=230)</code></pre></div><p>The function returns when the stone, and not only the air above it, has reached the temperature.</p><h2>Parameters</h2><table><thead><tr><th>Name</th><th>Meaning</th></tr></thead><tbody><tr><td>celsius</td><td>what the stone shall have</td></tr></tbody></table></article></div><div class="md-sidebar md-sidebar--secondary"><nav><ul>{_links("Parameters")}</ul></nav></div></div><footer class=md-footer><a href=/n>Next: Changelog</a><div class=md-copyright>Made with a generator of documentation</div></footer></div>"""
    sphinx = f"""<div class=related role=navigation><h3>Navigation</h3><ul>{_links("index", "modules", "next")}</ul></div><div class=document><div class=documentwrapper><div class=bodywrapper><div class=body role=main><section id=kneading><h1>Kneading<a class=headerlink href=#k title="Permalink">¶</a></h1>{_p()}<dl class="py function"><dt class=sig><span class=sig-name>knead</span>(<em>minutes</em>)</dt><dd><p>Returns the dough, and takes as long as it says.</p></dd></dl></section></div></div></div><div class=sphinxsidebar><div class=sphinxsidebarwrapper><h4>Previous topic</h4><p><a href=/p>Weighing</a></p><h3>This Page</h3><ul>{_links("Show Source")}</ul></div></div></div><div class=footer>Created using a generator.</div>"""
    office = f"""<a class=skip-link href=#m>Skip to main content</a><div class=usa-banner><p>An official website of the district. Here is how you know.</p></div><header class=usa-header><nav class=usa-nav><ul>{_links("Services", "Forms", "Offices")}</ul></nav></header><main id=m class=usa-layout-docs><div class=grid-container><h1>Permits for ovens</h1>{_p()}<h2>How to apply</h2><ol><li>Fill in the form for open fires and sign both pages of it.</li><li>Bring it to the counter before noon, together with a plan of the yard.</li></ol></div></main><footer class=usa-footer><p>Report a problem with this page</p></footer>"""
    drupal = f"""<div class="layout-container"><header role=banner><div class="region region-header"><h2 class=visually-hidden>Main navigation</h2><ul class=menu>{_links("Aktuelles", "Verein", "Spenden")}</ul></div></header><div class="region region-breadcrumb"><nav class=breadcrumb><ol>{_links("Startseite", "Aktuelles")}</ol></nav></div><main role=main><div class="region region-content"><article class="node node--type-page node--view-mode-full"><h1><span class="field field--name-title">Die Mühle</span></h1><footer class=node__meta><div class=node__submitted>Gespeichert von <span>admin</span> am Mi., 03.05.2023 - 10:00</div></footer><div class=node__content><div class="clearfix text-formatted field field--name-body field__item">{_p("de")}</div></div></article></div></main><footer role=contentinfo><div class="region region-footer"><p>Verein zur Pflege der alten Mühle e. V., Am Bach 3</p></div></footer></div>"""
    react = f"""<div id=__next><div class="Layout_wrap__x1"><header class="Header_root__a9"><a href=/>oven.example</a><nav class="Nav_list__q2">{_links(*_MENU, tag="span")}</nav></header><div class="Page_grid__z7"><div class="Hero_box__k3"><h1 class="Hero_heading__p1">The oven</h1></div><div class="RichText_root__m4">{"".join(f'<div class="RichText_block__n5"><span>{s}</span></div>' for s in TEXT["en"])}</div><div class="Grid_cards__v8">{"".join(f'<a class="Card_root__w9" href=/{n}><div class="Card_name__b1">{s}</div></a>' for n, s in enumerate(_OTHERS))}</div></div><div class="Cookie_bar__c1"><p>We use cookies to make this site work. You can choose which ones to accept.</p><button>Accept all</button></div></div></div>"""
    code = (
        "never while the door is open",
        "heat(celsius=230)",
        "not only the air above it",
        "celsius what the stone shall have",
    )
    return [
        Layout("MediaWiki", _page("Mill – Handbook", wiki), (*TEXT["en"], "History"), ("Random article", "last edited", "[edit]", "Mills on small")),
        Layout("Material for documents", _page("Thermostat - ovenlib", docs), code, ("Getting started", "Next: Changelog", "Made with")),
        Layout("Sphinx", _page("Kneading — ovenlib", sphinx), (*TEXT["en"], "takes as long as it says"), ("Show Source", "Weighing", "Created using")),
        Layout("an office", _page("Permits for ovens", office), (*TEXT["en"], "sign both pages", "plan of the yard"), ("Here is how you know", "Report a problem", "Offices")),
        Layout("Drupal", _page("Die Mühle", drupal, "de"), TEXT["de"], ("Spenden", "Gespeichert von", "Am Bach 3")),
        Layout("Next.js", _page("The oven", react), TEXT["en"], ("Work with us", "Seven ways", "which ones to accept")),
    ]  # fmt: skip


def _talk() -> list[Layout]:
    en = TEXT["en"]
    discourse = f"""<header><a href=/>Oven Forum</a></header><div id=main-outlet class=wrap role=main><div id=topic-title><h1><a href=/t/1>Oven does not start</a></h1><div class=topic-category><a href=/c>Support</a></div></div>{"".join(f'<div id=post_{n} itemprop=comment class="topic-body crawler-post"><div class=crawler-post-meta><span class=creator itemprop=author><a href=/u/{n}><span itemprop=name>user{n}</span></a></span><span class=crawler-post-infos><time class=post-time>May {n}, 2021, 4:0{n}pm</time></span></div><div class=post itemprop=text><p>{s}</p></div><div class=post-likes>{n} Likes</div></div>' for n, s in enumerate(en, 1))}</div><footer class=container><ul>{_links("Home", "Guidelines", "Terms of Service")}</ul><p>Powered by a forum, best viewed with JavaScript enabled</p></footer>"""
    phpbb = f"""<div id=wrap class=wrap><div id=page-header><ul class=linklist>{_links("Quick links", "FAQ", "Login")}</ul></div><div id=page-body class=page-body><h2 class=topic-title><a href=/t>Oven does not start</a></h2>{"".join(f'<div id=p{n} class="post has-profile bg2"><div class=inner><dl class=postprofile><dt><a class=username href=/u>baker{n}</a></dt><dd><strong>Posts:</strong> 1{n}</dd><dd><strong>Joined:</strong> Sat May 0{n}, 2015</dd></dl><div class=postbody><h3><a href=#>Re: Oven does not start</a></h3><p class=author>by <strong>baker{n}</strong> » Mon May 0{n}, 2021 9:12 am</p><div class=content>{s}</div><div class=signature>May your crust be loud.</div></div></div></div>' for n, s in enumerate(en, 1))}<div class=online-list>Users browsing this forum: No registered users and 2 guests</div></div></div>"""
    answers = f"""<header class=s-topbar><ol>{_links("Products", "Log in", "Sign up")}</ol></header><div class=container><div id=left-sidebar><ol>{_links("Questions", "Tags", "Users")}</ol></div><div id=content><div id=question-header><h1><a href=/q>Why does my crust split?</a></h1></div><div class=question><div class="js-vote-count">14</div><div class="s-prose js-post-body" itemprop=text><p>{en[0]}</p><p>{en[1]}</p></div><div class=post-taglist><a class=post-tag href=/t>crust</a></div><div class=user-info>asked May 3, 2021 at 10:00 <div class=user-details><a href=/u>hungry_tom</a><span class=reputation-score>1,204</span></div></div></div><div id=answers><h2>2 Answers</h2><div class="answer accepted-answer"><div class="s-prose js-post-body"><p>{en[2]}</p><pre><code>score(depth_mm=12)</code></pre></div></div><div class=answer><div class="s-prose js-post-body"><p>{en[3]}</p></div></div></div></div><div id=sidebar><h4>Hot Network Questions</h4><ul>{_links("Can a cat own a boat?", "Is tea a soup?")}</ul></div></div>"""
    xenforo = f"""<div class="p-pageWrapper"><div class=p-navSticky><ul class=p-nav-list>{_links("Forums", "What's new", "Members")}</ul></div><div class=p-body><h1 class=p-title-value>Oven does not start</h1><div class="block-body js-replyNewMessageContainer">{"".join(f'<article class="message message--post" data-author=baker{n}><div class=message-inner><div class="message-cell message-cell--user"><section class=message-user><h4 class=message-name>baker{n}</h4><h5 class=userTitle>Well-known member</h5><dl class=pairs><dt>Messages</dt><dd>4{n}</dd></dl></section></div><div class="message-cell message-cell--main"><header class=message-attribution><time>May {n}, 2021</time> #{n}</header><div class=message-body><div class=bbWrapper>{s}</div></div></div></div></article>' for n, s in enumerate(en, 1))}</div><div class=p-body-sidebar><h3>Trending content</h3><ul>{_links(*_OTHERS)}</ul></div></div></div>"""
    return [
        Layout("Discourse", _page("Oven does not start - Support", discourse), en, ("Guidelines", "best viewed")),
        Layout("phpBB", _page("Oven does not start", phpbb), en, ("Quick links", "Users browsing")),
        Layout("questions and answers", _page("Why does my crust split?", answers), (*en, "score(depth_mm=12)"), ("Is tea a soup", "Sign up", "1,204")),
        Layout("XenForo", _page("Oven does not start", xenforo), en, ("What's new", "Seven ways")),
    ]  # fmt: skip


def _shops() -> list[Layout]:
    en = TEXT["en"]
    recipe = f"""<header class=site-header><nav><ul>{_links(*_MENU)}</ul></nav></header><main><article class=post><h1>Caraway loaf</h1><a class=wprm-recipe-jump href=#r>Jump to Recipe</a><p>{en[0]}</p><p>{en[1]}</p><div id=r class="wprm-recipe-container"><h2 class=wprm-recipe-name>Caraway loaf</h2><div class=wprm-recipe-rating>4.8 from 35 votes</div><a class=wprm-recipe-print href=/p>Print Recipe</a><h3 class=wprm-recipe-header>Ingredients</h3><ul class=wprm-recipe-ingredients><li><span>500</span> <span>g</span> <span>rye flour</span></li><li><span>2</span> <span>tsp</span> <span>caraway seeds</span></li></ul><h3 class=wprm-recipe-header>Instructions</h3><ol class=wprm-recipe-instructions><li>Mix everything and let the dough rest for a whole night in a cool room.</li><li>Bake for fifty minutes on a stone that was heated for at least an hour.</li></ol></div><p>{en[2]}</p></article></main><aside class=sidebar><h3>Hi, I'm Nora!</h3><p>Welcome to my kitchen, where nothing is ever weighed twice.</p></aside>"""
    product = f"""<header><a href=/>Iron & Stone</a><ul>{_links("Ovens", "Tools", "Cart (0)")}</ul></header><main><div class=product><div class=product-gallery><img src=x></div><div class=summary><h1 class=product_title>Stone for the oven</h1><p class=price>€ 49.00</p><form class=cart><button>Add to cart</button></form></div><div class=woocommerce-tabs><ul class=tabs>{_links("Description", "Reviews (2)")}</ul><div class="woocommerce-Tabs-panel panel entry-content" id=tab-description><h2>Description</h2>{_p()}</div></div><section class="related products"><h2>Related products</h2><ul><li class=product><a href=/1><h2>Peel of beech wood</h2><span class=price>€ 19.00</span></a></li></ul></section></div></main><footer><p>Free delivery from € 80 on. Sign up for offers.</p></footer>"""
    return [
        Layout("a recipe", _page("Caraway loaf", recipe), (*en[:3], "rye flour", "for a whole night", "at least an hour"), ("Shop all", "weighed twice")),
        Layout("a product", _page("Stone for the oven", product), en, ("Cart (0)", "Peel of beech", "Free delivery")),
    ]  # fmt: skip


def _elsewhere() -> list[Layout]:
    old = f"""<table width=760 cellpadding=0><tr><td width=160 valign=top bgcolor=#ccc><a href=/1>Home</a><br><a href=/2>Guest book</a><br><a href=/3>Links to friends</a></td><td valign=top><font size=4><b>My oven page</b></font><p>{TEXT["en"][0]}<p>{TEXT["en"][1]}<p>{TEXT["en"][2]}<p>{TEXT["en"][3]}<hr><center><font size=1>You are visitor number 10412 since 1998</font></center></td></tr></table>"""
    plain = f"""<div id=t>{"<br><br>".join(TEXT["ru"])}</div>"""
    portal = f"""<div class=wrapper><header><nav><ul>{_links("Главная", "Новости", "Контакты")}</ul></nav></header><div class="news-detail"><h1>Пристань</h1><div class=news-date>3 мая 2021</div>{"".join(f"<div>{s}</div>" for s in TEXT["ru"])}<div class=ya-share>Поделиться</div></div><div class=other><h3>Читайте также</h3><ul>{_links("Мост закрыли на ремонт", "В парке посадили липы")}</ul></div><footer>Все права защищены</footer></div>"""
    return [
        Layout("a table of 1998", _page("My oven page", old), TEXT["en"], ("Guest book",)),
        Layout("text between line ends", _page("Пристань", plain, "ru"), TEXT["ru"], ()),
        Layout("paragraphs that are divisions", _page("Пристань", portal, "ru"), TEXT["ru"], ("Контакты", "Мост закрыли", "Все права")),
    ]  # fmt: skip
