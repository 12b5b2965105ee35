"""Writes the definitions of many feeds into a workspace:  python3 many_feeds.py WORKSPACE FEEDS

FEEDS is 1300 or 130. Of 1300, each of 20 templates has 65: disjoint slices of the
catalogue by language, branch and price, and overlapping ones by price, stock,
clicks, seller's country and tags, of a thousandth to a third of it. The 130 are of
the same templates and the same conditions: each is ten of the 1300, or-ed, so that
the same offers are rendered for the same templates. Needs the sample workspace's
templates in WORKSPACE/templates."""
import json, os, random, re, sys

TEMPLATES, EACH = 20, 65
LANGUAGES = ["en", "de", "fr", "pl", "zh"]
BRANCHES = ["home", "fashion", "electronics", "toys", "sport"]
COUNTRIES = ["DE", "FR", "GB", "PL", "US", "CN", "HK"]
FIELDS = {
    "google-shopping": "{title: offer.title, price: offer.price, list_price: offer.list_price, currency: offer.currency}",
    "meta": "{title: offer.title, price: offer.price, list_price: offer.list_price, currency: offer.currency}",
    "price-comparer": "{title: offer.title, price: offer.eur}",
}


def conditions(r):
    """65 conditions of a template."""
    out = []
    for k in range(EACH):
        language = 'offer.language == "%s"' % LANGUAGES[k % 5]
        kind = k % 13
        if kind < 5:
            extra = 'offer.category.lowerAscii().startsWith("%s > ") && (offer.eur < 50.0) == %s' % (BRANCHES[kind], r.choice(["true", "false"]))
        elif kind < 8:
            extra = "offer.eur >= %d.0 && offer.stock > %d" % (r.choice([5, 10, 25, 50, 100, 200]), r.choice([0, 1, 2, 5, 10]))
        elif kind < 10:
            extra = "coalesce(offer.stats.clicks, 0) >= %d" % r.choice([1, 5, 20, 50, 200])
        elif kind < 12:
            extra = 'offer.shop.country in %s' % json.dumps(sorted(r.sample(COUNTRIES, 2)))
        else:
            extra = 'offer.reduction >= %d && offer.tags.exists(t, t in ["bulky", "outlet", "gift"])' % r.choice([5, 10, 20, 30])
        out.append("(shared.sellable && %s && %s)" % (language, extra))
    return out


def main(workspace, feeds):
    bases, documents = sorted(FIELDS), []
    for t in range(TEMPLATES):
        base, name = bases[t % len(bases)], "bench-%02d" % t
        with open("%s/templates/%s.xml" % (workspace, base)) as f:
            text = f.read()
        # Every template has an element of its own, so that none makes another's bytes.
        text = re.sub(r"(\{\{define \"item\"\}\}\n<\w+>\n)", lambda m: m.group(1) + "<variant>%s</variant>\n" % name, text)
        with open("%s/templates/%s.xml" % (workspace, name), "w") as f:
            f.write(text)
        all = conditions(random.Random(t))
        if feeds == 130:
            n = 6 + t % 2
            all = [" || ".join(all[i * EACH // n:(i + 1) * EACH // n]) for i in range(n)]
        for k, condition in enumerate(all):
            documents.append('feed: "%s-%02d"\ntemplate: %s\nwhere: >-\n  %s\nfields: %s\nparams: {title: "%s", link: "https://market.example.org", shop: market.example.org}\nguard: {drop: 100%%}\n'
                             % (name, k, name, condition, FIELDS[base], name))
    assert len(documents) == feeds, len(documents)
    os.makedirs(workspace + "/feeds", exist_ok=True)
    with open(workspace + "/feeds/bench.yaml", "w") as f:
        f.write("---\n".join(documents))


main(sys.argv[1], int(sys.argv[2]))
