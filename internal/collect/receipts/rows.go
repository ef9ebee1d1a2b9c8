package receipts

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"thimble/internal/collect"
	"thimble/internal/collect/table"
	"thimble/internal/subject"
)

// Mapping is how [Batch.Source] is read.
func Mapping() *table.Mapping {
	return &table.Mapping{Kind: string(collect.Orders), Form: table.Form{Writing: table.JSONL, Encoding: table.UTF8}, Shop: collect.Own, Columns: map[string]string{
		"number": "number", "item": "lines.item", "name": "lines.name", "units": "lines.units", "time": "at", "price": "lines.price",
		"customer": "account", "email": "email", "country": "country", "currency": "currency",
	}}
}

type sale struct {
	Number   string     `json:"number"`
	At       string     `json:"at"`
	Currency string     `json:"currency"`
	Country  string     `json:"country,omitempty"`
	Account  string     `json:"account,omitempty"`
	Email    string     `json:"email,omitempty"`
	Lines    []saleLine `json:"lines"`
}

type saleLine struct {
	Item  string `json:"item"`
	Name  string `json:"name,omitempty"`
	Units string `json:"units"`
	Price string `json:"price"`
}

// Source returns a batch that was verified as orders to import, each on the line that the
// receipt has in the batch.
func (b *Batch) Source() (collect.Source, error) {
	var out bytes.Buffer
	out.WriteByte('\n') // where the header is
	e := json.NewEncoder(&out)
	for _, r := range b.All {
		// The till's clock decides nothing but when it was; a receipt from after the batch
		// was closed has none that can be believed.
		at := ""
		if !r.At.After(b.Created.Add(skew)) {
			at = r.At.UTC().Format(time.RFC3339Nano)
		}
		s := sale{Number: collect.ShopPrefix("till/"+b.Till) + r.Number, At: at, Currency: r.Currency, Country: r.Country}
		switch r.Kind {
		case subject.Account:
			s.Account = r.Value
		case subject.Email:
			s.Email = r.Value
		}
		if strings.TrimSpace(r.Number) == "" {
			s.Number = ""
		}
		for _, l := range r.Lines {
			s.Lines = append(s.Lines, line(l, r))
		}
		if err := e.Encode(s); err != nil {
			return collect.Source{}, fmt.Errorf("receipts: writing orders: %w", err)
		}
	}
	text := out.Bytes()
	return collect.Source{
		Name: fmt.Sprintf("%s, batch %d", b.Till, b.Sequence),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil },
	}, nil
}

func line(l Line, r Receipt) saleLine {
	units := fmt.Sprint(l.Units)
	if r.Back {
		units = "-" + units
	}
	return saleLine{Item: l.Item, Name: l.Name, Units: units, Price: collect.Decimal(l.PriceMinor, r.Currency)}
}
