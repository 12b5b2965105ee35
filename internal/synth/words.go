package synth

import (
	"embed"
	"fmt"
	"strconv"
	"strings"
)

//go:embed words/*.txt
var wordFiles embed.FS

// languages are the codes of the word lists, in the order of a category's nouns.
var languages = [...]string{"en", "de", "fr", "pl", "zh"}

const english = 0

// A language is the words that texts are made of. The n-th color and material
// is the same thing in every language.
type language struct {
	code                                 string
	colors, materials, adjectives, goods []string
	titles, sentences                    []phrase
	between                              string // what stands between two sentences
}

// A category is a leaf of the marketplace's tree.
type category struct {
	path, google string
	low, high    int // usual prices in EUR
	grams        int
	nouns        [len(languages)][]string
}

func wordFile(name string) []string {
	data, err := wordFiles.ReadFile("words/" + name + ".txt")
	if err != nil {
		panic(err)
	}
	var lines []string
	for line := range strings.Lines(string(data)) {
		line = strings.TrimRight(line, "\n")
		if line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines
}

func readLanguage(code string) *language {
	lists := map[string][]string{}
	section := ""
	for _, line := range wordFile(code) {
		if name, ok := strings.CutPrefix(line, "["); ok {
			section = strings.TrimSuffix(name, "]")
			continue
		}
		lists[section] = append(lists[section], line)
	}
	l := &language{
		code: code, colors: lists["color"], materials: lists["material"], adjectives: lists["adjective"], goods: lists["feature"],
		titles: phrases(lists["title"]), sentences: phrases(lists["sentence"]), between: " ",
	}
	if code == "zh" {
		l.between = ""
	}
	return l
}

func readCategories() []category {
	var out []category
	for _, line := range wordFile("categories") {
		fields := strings.Split(line, " | ")
		low, high, _ := strings.Cut(fields[2], " ")
		c := category{path: fields[0], google: fields[1], low: number(low), high: number(high), grams: grams(fields[3])}
		for i := range languages {
			c.nouns[i] = strings.Split(fields[4+i], ", ")
		}
		out = append(out, c)
	}
	return out
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		panic(fmt.Sprintf("synth: categories: %v", err))
	}
	return n
}

func grams(kilograms string) int {
	f, err := strconv.ParseFloat(kilograms, 64)
	if err != nil {
		panic(fmt.Sprintf("synth: categories: %v", err))
	}
	return int(f*1000 + 0.5)
}

var syllables = [...]string{"al", "bo", "cor", "da", "el", "fin", "go", "ha", "in", "jo", "ka", "lu", "mar", "no", "or", "pe", "ra", "so", "ta", "vi", "wen", "xo", "yu", "zan"}

const brandCount = 400

// readBrands returns distinct brands: those of the list, then made ones.
func (m *Market) readBrands() []string {
	out := wordFile("brands")
	seen := map[string]bool{}
	for i := 0; len(out) < brandCount; i++ {
		d := m.dice(aboutBrand, i, 0)
		name := string(appendSeries(nil, &d))
		if !seen[name] {
			seen[name] = true
			out = append(out, name)
		}
	}
	return out
}
