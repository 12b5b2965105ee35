package synth

import "strconv"

const (
	none  = -1      // the code of a null
	never = -10_000 // the null of availableFrom, which may lie before day 0
)

// The lists that coded columns choose from.
var (
	operations = []string{inserted: "I", updated: "U", deleted: "D"}
	conditions = []string{"new", "used", "refurbished"}
	currencies = []string{"EUR", "GBP", "USD", "PLN", "CNY", "HKD"}
	ageGroups  = []string{"adult", "all ages", "infant", "kids", "newborn", "toddler"}
	tagNames   = []string{"bestseller", "bulky", "clearance", "eco", "express", "fragile", "gift", "handmade", "limited", "new", "outlet", "preorder", "sale", "seasonal", "vegan", "xl"}
	sizes      = []string{"XS", "S", "M", "L", "XL", "XXL", "10 x 15 cm", "20 x 30 cm", "60 x 90 cm", "140 x 200 cm", "15\"", "27\"", "250 ml", "500 ml", "1 l", "2-pack"}
	properties = []string{"color", "material", "size", "warranty", "origin", "energy_class"}
	warranties = []string{"none", "1 year", "2 years", "3 years", "5 years"}
	origins    = []string{"AT", "CN", "DE", "FR", "IT", "PL", "PT", "TR", "VN"}
	classes    = []string{"A", "B", "C", "D", "E", "F", "G"}
)

// rates are 100 EUR in each of the currencies.
var rates = [...]int64{100, 86, 108, 430, 780, 845}

// A property of an offer: codes of properties and of Market.values.
type property struct{ name, value int }

// content is the values of one row of the log. Coded columns hold indexes of
// their lists or none. It is filled again for every row.
type content struct {
	deleted bool
	op      uint8
	at      int64 // microseconds since day 0
	id      [10]byte
	seller  []byte

	code, mpn, title, description, titleEnglish         []byte // empty: null
	language, brand, category, condition, currency, age int
	price, listPrice                                    int64 // cents; none: null
	stock, grams, deliveryDays                          int   // none: null
	availableFrom                                       int   // days since day 0; never: null
	active                                              bool
	born                                                int64

	images     []byte // their texts, one after the other
	imageEnds  []int
	noImages   bool
	properties []property
	noMap      bool
	tags       []int
	noTags     bool

	subject, english subject // what the texts are about, in the offer's language and in English
}

// fill makes c the content of the i-th offer in a state.
func (m *Market) fill(c *content, i int, w moment) {
	c.op, c.deleted, c.at, c.born = w.op, w.op == deleted, w.at, w.born
	c.id = m.id(i)
	of := m.dice(aboutOffer, i, 0)
	shop := m.shop(&of)
	c.seller = appendSeller(c.seller[:0], shop)
	if c.deleted {
		return
	}
	country := m.country(shop)
	c.language, c.currency = country.language, country.currency
	product := of.below(m.products)
	base := m.fillProduct(c, product)
	m.fillOffer(c, &of, w.state)
	m.fillPrice(c, i, w.price, base)
	m.fillStock(c, i, w.stock)
	m.fillText(c, i, product, w.text)
}

const idDigits = "0123456789abcdefghjkmnpqrstvwxyz"

// id returns the key of the i-th offer: ten digits of base 32. Distinct offers
// have distinct ids, since each step is a bijection on 50 bits.
func (m *Market) id(i int) (id [10]byte) {
	const mask = 1<<50 - 1
	x := (uint64(i) + m.seed*0x9e3779b97f4a7c15) & mask
	x = x * 0x2545f4914f6cdd1d & mask
	x ^= x >> 27
	x = x * 0x9fb21c651e98df25 & mask
	x ^= x >> 23
	for at := range id {
		id[at] = idDigits[x>>(45-5*at)&31]
	}
	return id
}

// ID returns the key of the i-th offer.
func (m *Market) ID(i int) string {
	id := m.id(i)
	return string(id[:])
}

// fillProduct sets what all offers of a product share and returns its usual
// price in cents of EUR.
func (m *Market) fillProduct(c *content, product int) int {
	d := m.dice(aboutProduct, product, 0)
	c.category = m.popular(&d)
	cat := &m.categories[c.category]
	c.brand = d.skewed(0, len(m.brands)-1)
	color, material, size := d.below(len(m.languages[english].colors)), d.below(len(m.languages[english].materials)), d.below(len(sizes))
	noun := d.below(len(cat.nouns[english]))
	brand := m.brands[c.brand]
	if d.share(70) {
		c.brand, brand = none, "NoName"
	}
	c.subject = m.languages[c.language].subject(brand, cat.nouns[c.language][noun], color, material, size)
	c.english = m.languages[english].subject(brand, cat.nouns[english][noun], color, material, size)
	c.code = c.code[:0]
	if !d.share(80) {
		c.code = appendCode(c.code, d.next())
	}
	c.mpn = c.mpn[:0]
	if !d.share(300) {
		c.mpn = appendPartNumber(c.mpn, d.next())
	}
	c.grams = none
	if !d.share(200) {
		c.grams = max(1, cat.grams*d.between(50, 200)/100)
	}
	c.age = none
	if d.share(300) {
		c.age = d.below(len(ageGroups))
	}
	m.fillProperties(c, &d, color, material, size)
	m.fillImages(c, &d)
	return 100 * d.skewed(cat.low, cat.high)
}

// popular draws a category: half of the products are in few of them.
func (m *Market) popular(d *dice) int {
	if d.share(500) {
		return d.below(len(m.categories))
	}
	return d.skewed(0, len(m.categories)-1) * 29 % len(m.categories)
}

// appendCode appends a GTIN-13 of the range for use inside a company (20 to 29).
func appendCode(dst []byte, random uint64) []byte {
	n := random % 1e11
	start := len(dst)
	dst = append(dst, '2', '0'+byte(n/1e10))
	for div := uint64(1e9); div > 0; div /= 10 {
		dst = append(dst, '0'+byte(n/div%10))
	}
	sum := 0
	for i, digit := range dst[start:] {
		weight := 1 + 2*(i%2)
		sum += weight * int(digit-'0')
	}
	return append(dst, '0'+byte((10-sum%10)%10))
}

func appendPartNumber(dst []byte, random uint64) []byte {
	dst = append(dst, 'A'+byte(random%26), 'A'+byte(random>>8%26), '-')
	return strconv.AppendUint(dst, random>>20%100_000, 10)
}

// Of 1,000 products so many have each of the properties.
var propertyShares = [...]int{850, 700, 600, 400, 500, 150}

func (m *Market) fillProperties(c *content, d *dice, color, material, size int) {
	c.properties, c.noMap = c.properties[:0], d.share(120)
	if c.noMap {
		return
	}
	own := [...]int{
		m.colorValues[c.language] + color, m.materialValues[c.language] + material, m.sizeValues + size,
		m.warrantyValues + d.below(len(warranties)), m.originValues + d.below(len(origins)), m.classValues + d.below(len(classes)),
	}
	for name, value := range own {
		if d.share(propertyShares[name]) {
			c.properties = append(c.properties, property{name, value})
		}
	}
}

func (m *Market) fillImages(c *content, d *dice) {
	c.images, c.imageEnds, c.noImages = c.images[:0], c.imageEnds[:0], d.share(20)
	if c.noImages {
		return
	}
	for n := range 1 + d.pick(35, 25, 20, 12, 8) {
		name := uint32(d.next())
		c.images = append(c.images, "https://img.example.org/"...)
		for shift := 28; shift >= 0; shift -= 4 {
			c.images = append(c.images, "0123456789abcdef"[name>>shift&15])
		}
		c.images = append(c.images, '/', '1'+byte(n))
		c.images = append(c.images, ".jpg"...)
		c.imageEnds = append(c.imageEnds, len(c.images))
	}
}

// fillOffer sets what a seller decides once.
func (m *Market) fillOffer(c *content, of *dice, s state) {
	c.condition = of.pick(82, 10, 6, 2)
	if c.condition == len(conditions) {
		c.condition = none
	}
	c.deliveryDays = none
	if !of.share(100) {
		c.deliveryDays = of.skewed(1, 14)
	}
	c.availableFrom = never
	if of.share(70) {
		c.availableFrom = int(s.born/dayMicros) + of.between(-20, 60)
	}
	c.active = !of.share(30)
	c.tags, c.noTags = c.tags[:0], of.share(200)
	if c.noTags {
		return
	}
	tag := of.below(4)
	for range of.below(5) {
		if tag >= len(tagNames) {
			break
		}
		c.tags = append(c.tags, tag)
		tag += of.between(1, 6)
	}
}

func (m *Market) fillPrice(c *content, i, revision, base int) {
	d := m.dice(aboutPrice, i, revision)
	c.price, c.listPrice = none, none
	switch special := d.below(1000); {
	case special < 5:
		return
	case special < 8:
		c.price = 0
		return
	}
	c.price = max(50, int64(base)*int64(d.between(80, 120))/100*rates[c.currency]/100)
	if d.share(500) {
		c.price = c.price/100*100 + 99
	}
	if d.share(350) {
		c.listPrice = c.price * int64(d.between(105, 160)) / 100
	}
}

func (m *Market) fillStock(c *content, i, revision int) {
	d := m.dice(aboutStock, i, revision)
	switch special := d.below(100); {
	case special < 3:
		c.stock = none
	case special < 15:
		c.stock = 0
	default:
		c.stock = d.skewed(1, 500)
	}
}

func (m *Market) fillText(c *content, i, product, revision int) {
	title := m.dice(aboutTitle, product, c.language+len(languages)*revision)
	c.title = m.languages[c.language].title(c.title[:0], &c.subject, &title)
	d := m.dice(aboutDescription, i, revision)
	c.titleEnglish = c.titleEnglish[:0]
	if c.language != english && d.share(600) {
		c.titleEnglish = m.languages[english].title(c.titleEnglish, &c.english, &title)
	}
	c.description = c.description[:0]
	if !d.share(100) {
		c.description = m.languages[c.language].description(c.description, &c.subject, &d)
	}
}
