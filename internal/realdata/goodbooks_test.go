package realdata

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/feedmill/feedmill/internal/source"
)

// A book is a line of the catalogue, by the names of its header.
type book map[string]string

func readBooks(t testing.TB, path string) []book {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	books := make([]book, len(lines)-1)
	for i, line := range lines[1:] {
		books[i] = book{}
		for k, name := range lines[0] {
			books[i][name] = line[k]
		}
	}
	return books
}

// noISBN reports whether the ISBN was written as a double with an exponent.
func (b book) noISBN() bool { return strings.Contains(b["isbn13"], "e+") }

func (b book) authors() []string { return strings.Split(b["authors"], ", ") }

// stars are the counts of ratings from one star to five.
func (b book) stars(t testing.TB) (histogram []any, count int64, mean *big.Rat) {
	t.Helper()
	sum := int64(0)
	for i := range int64(5) {
		n := asInt(t, b["ratings_"+strconv.FormatInt(i+1, 10)]).(int64)
		histogram = append(histogram, n)
		count += n
		sum += n * (i + 1)
	}
	return histogram, count, big.NewRat(sum, count)
}

// A library finds books the ways that the joins do.
type library struct {
	t         testing.TB
	byEdition map[string]book
	byBest    map[string]book
	writings  map[string][]row // by author
}

func newLibrary(t testing.TB, books []book) *library {
	l := &library{t: t, byEdition: map[string]book{}, byBest: map[string]book{}, writings: map[string][]row{}}
	for _, b := range books {
		l.byEdition[b["goodreads_book_id"]] = b
		l.byBest[b["best_book_id"]] = b
		for _, author := range b.authors() {
			l.writings[author] = append(l.writings[author], row{
				"author": author, "book": asInt(t, b["book_id"]), "title": asText(b["title"]), "stars": asDouble(t, b["average_rating"]),
			})
		}
	}
	return l
}

// by is what any of the authors wrote, the best first.
func (l *library) by(authors []string) []any {
	out := []any{}
	for i, author := range authors {
		if slices.Contains(authors[:i], author) {
			continue
		}
		for _, w := range l.writings[author] {
			out = append(out, w)
		}
	}
	slices.SortFunc(out, func(x, y any) int {
		a, b := x.(row), y.(row)
		return cmp.Or(
			cmp.Compare(b["stars"].(float64), a["stars"].(float64)),
			cmp.Compare(a["book"].(int64), b["book"].(int64)),
			strings.Compare(a["author"].(string), b["author"].(string)))
	})
	return out
}

// declared are the columns that the source of books declares.
func (l *library) declared(b book) row {
	t := l.t
	var authors []any
	for _, author := range b.authors() {
		authors = append(authors, author)
	}
	histogram, _, _ := b.stars(t)
	return row{
		"goodreads": asInt(t, b["goodreads_book_id"]), "best": asInt(t, b["best_book_id"]), "work": asInt(t, b["work_id"]),
		"editions": asInt(t, b["books_count"]), "isbn": asText(b["isbn"]), "isbn13": asText(b["isbn13"]), "authors": authors,
		"year": asInt(t, b["original_publication_year"]), "original": asText(b["original_title"]), "title": asText(b["title"]),
		"language": asText(b["language_code"]), "rating": asDecimal(t, b["average_rating"], 2), "stars": asDouble(t, b["average_rating"]),
		"ratings": asInt(t, b["ratings_count"]), "work_ratings": asInt(t, b["work_ratings_count"]), "reviews": asInt(t, b["work_text_reviews_count"]),
		"histogram": histogram, "image": asText(b["image_url"]), "thumbnail": asText(b["small_image_url"]),
	}
}

func (l *library) offer(b book) row {
	r := l.declared(b)
	r["id"] = b["book_id"]
	l.join(r, b)
	_, rated, mean := b.stars(l.t)
	r["author"], r["rated"], r["mean"] = b.authors()[0], rated, rounded(mean, 5)
	r["english"], r["ancient"] = nil, nil
	if b["language_code"] != "" {
		r["english"] = strings.HasPrefix(b["language_code"], "en")
	}
	if r["year"] != nil {
		r["ancient"] = r["year"].(int64) < 500
	}
	r["shown"] = cmp.Or(b["original_title"], b["title"])
	return r
}

func (l *library) join(r row, b book) {
	writings := l.by(b.authors())
	r["writings"], r["written"], r["masterpiece"] = writings, int64(len(writings)), writings[0].(row)["title"]
	r["original_edition"], r["edition"], r["known"] = nil, nil, false
	if other, ok := l.byBest[b["goodreads_book_id"]]; ok {
		r["original_edition"] = l.declared(other)
	}
	tongue := b["language_code"]
	if other, ok := l.byEdition[b["best_book_id"]]; ok {
		r["edition"] = row{"book": asInt(l.t, other["book_id"]), "language": asText(other["language_code"])}
		r["known"] = true
		tongue = cmp.Or(other["language_code"], tongue)
	}
	r["tongue"] = cmp.Or(tongue, "unknown")
}

// Ten thousand books, with what is missing in them and in what is joined.
func TestGoodbooks(t *testing.T) {
	dir := realData(t, "goodbooks10k")
	if testing.Short() {
		dir = firstBooks(t, filepath.Join(dir, "books.csv"), 1000)
	}
	ws := loadWorkspace(t, filepath.Join("testdata", "goodbooks"), map[string]string{"FEEDMILL_DATA": dir})
	store := newStore(t)
	report := aggregateOnce(t, ws, store)
	schema, rows := readSnapshot(t, store, report.Snapshot)
	books := readBooks(t, filepath.Join(dir, "books.csv"))
	l := newLibrary(t, books)
	want := map[string]row{}
	for _, b := range books {
		want[b["book_id"]] = l.offer(b)
	}
	compared := compareOffers(t, schema, rows, want)
	for name, source := range report.Sources {
		if source.Rejected != 0 || source.Duplicates != 0 {
			t.Errorf("source %s: %+v", name, source)
		}
	}
	figures := []string{
		"| offers | rejected | values compared | null in any column | joined writings | ISBNs that are no ints | " + strings.Join(missingBooks, " | ") + " |",
		"|--:|--:|--:|--:|--:|--:|" + strings.Repeat("--:|", len(missingBooks)),
	}
	nulls, missing, writings := 0, map[string]int{}, int64(0)
	for _, r := range rows {
		writings += r["written"].(int64)
		for name, v := range r {
			if v == nil {
				missing["no "+name]++
				nulls++
			}
		}
	}
	noInts := 0
	for _, b := range books {
		if b.noISBN() {
			noInts++
		}
	}
	line := fmt.Sprintf("| %d | %d | %d | %d | %d | %d |", len(rows), report.Sources["books"].Rejected, compared, nulls, writings, noInts)
	for _, name := range missingBooks {
		line += fmt.Sprintf(" %d |", missing[name])
	}
	if !testing.Short() {
		recordFigures(t, "goodbooks-10k", append(figures, line))
	}
}

// firstBooks returns a folder with the first books of the catalogue.
func firstBooks(t testing.TB, path string, count int) string {
	t.Helper()
	lines := readLines(t, path)
	dir := t.TempDir()
	text := strings.Join(lines[:count+1], "\n") + "\n"
	if err := os.WriteFile(filepath.Join(dir, "books.csv"), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return dir
}

var missingBooks = []string{"no isbn", "no isbn13", "no year", "no original", "no language", "no edition"}

// A numbered is a line of the catalogue, and where it stands.
type numbered struct {
	book
	line int64
	raw  string
}

func readNumbered(t testing.TB, path string) []numbered {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r := csv.NewReader(strings.NewReader(string(data)))
	header, err := r.Read()
	var out []numbered
	for from := r.InputOffset(); err == nil; from = r.InputOffset() {
		var fields []string
		if fields, err = r.Read(); err != nil {
			break
		}
		line, _ := r.FieldPos(0)
		n := numbered{book: book{}, line: int64(line), raw: strings.TrimRight(string(data[from:r.InputOffset()]), "\n")}
		for k, name := range header {
			n.book[name] = fields[k]
		}
		out = append(out, n)
	}
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return out
}

// ISBNs that the publisher's program wrote as 9.78043902348e+12 are no ints:
// each is rejected with its place. Those without an exponent are.
func TestGoodbooksRejects(t *testing.T) {
	dir := realData(t, "goodbooks10k")
	yaml := `
partitions: 2
sources:
  books:
    path: ` + filepath.Join(dir, "books.csv") + `
    format: csv
    key: row.book_id
    rejects: ${REJECTS}
    columns: {title: string, isbn: {type: int, value: row.isbn13}}
offer: {from: books}
`
	var rejects []source.Reject
	offers := map[string]row{}
	books := readNumbered(t, filepath.Join(dir, "books.csv"))
	for i, b := range books {
		if b.noISBN() {
			rejects = append(rejects, source.Reject{
				File: filepath.Join(dir, "books.csv"), Row: int64(i), Line: b.line, Place: "isbn",
				Reason: strconv.Quote(b.book["isbn13"]) + " is not an int", Raw: excerpt(b.raw),
			})
			continue
		}
		offers[b.book["book_id"]] = row{"id": b.book["book_id"], "title": asText(b.book["title"]), "isbn": asInt(t, b.book["isbn13"])}
	}
	if len(rejects) == 0 || len(offers) == 0 {
		t.Fatalf("%d of %d rows are to be rejected", len(rejects), len(books))
	}
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, "feedmill.yaml"), []byte(yaml), 0o666); err != nil {
		t.Fatal(err)
	}
	store := newStore(t)
	report, err := tryAggregate(t, loadWorkspace(t, home, map[string]string{"REJECTS": "90%"}), store)
	checkStopped(t, store, report.Status, err, fmt.Sprintf("%d of %d rows are rejected", len(rejects), len(books)))
	checkRejects(t, readRejects(t, store, report.Run, "books"), rejects)

	report = aggregateOnce(t, loadWorkspace(t, home, map[string]string{"REJECTS": "95%"}), store)
	schema, rows := readSnapshot(t, store, report.Snapshot)
	compareOffers(t, schema, rows, offers)
	checkRejects(t, readRejects(t, store, report.Run, "books"), rejects)
}
