package main

import (
	"bufio"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
)

// readFeed reads the items of an exported feed into a map by id.
func readFeed(file string, into map[string]item) (err error) {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	d := xml.NewDecoder(bufio.NewReaderSize(f, 1<<20))
	for {
		token, err := d.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		start, ok := token.(xml.StartElement)
		if !ok || start.Name.Local != "item" && start.Name.Local != "product" {
			continue
		}
		if err := readItem(d, start, into); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
}

// element is an item of any of the sample templates; the names of its elements
// count without their name spaces.
type element struct {
	ID        string `xml:"id"`
	Title     string `xml:"title"`
	Name      string `xml:"name"`
	Price     string `xml:"price"`
	SalePrice string `xml:"sale_price"`
}

func readItem(d *xml.Decoder, start xml.StartElement, into map[string]item) error {
	var e element
	if err := d.DecodeElement(&e, &start); err != nil {
		return err
	}
	if _, twice := into[e.ID]; twice {
		return fmt.Errorf("%s stands twice", e.ID)
	}
	i := item{price: e.Price, title: e.Title + e.Name}
	if e.SalePrice != "" {
		i.price = e.SalePrice
	}
	into[e.ID] = i
	return nil
}
