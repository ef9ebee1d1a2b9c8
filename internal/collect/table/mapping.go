package table

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"time"

	"thimble"
)

// MappingForm is the version of a saved mapping.
const MappingForm = "import-map/v1"

// A Mapping says how to read a text: confirmed, it is all that an import needs to know.
type Mapping struct {
	Version  string            `json:"thimble"` // MappingForm
	Kind     string            `json:"kind"`    // of the rows: customers, orders, …
	Form     Form              `json:"form"`
	Columns  map[string]string `json:"columns"`            // field to column
	Date     Layout            `json:"date,omitempty"`     // how dates are written; "" means Auto
	Decimal  string            `json:"decimal,omitempty"`  // the decimal mark; "" means a point
	Currency string            `json:"currency,omitempty"` // of prices that name none
	Zone     string            `json:"zone,omitempty"`     // of dates that name none, by its IANA name; "" means UTC
	// Shop is whose the numbers of customers, orders and reviews are: OwnShop, or another
	// shop such as shopify/main. "" says nothing of it.
	Shop string `json:"shop,omitempty"`
	// Country is where customers live of whom the text does not say.
	Country string `json:"country,omitempty"`
}

// Check returns an error of kind thimble.ErrInvalid that names key and rule.
func (m Mapping) Check(kind string, fields []Field) error {
	if m.Version != "" && m.Version != MappingForm {
		return bad("thimble", MappingForm+" was expected")
	}
	if m.Kind != kind {
		return bad("kind", "the mapping is for other rows than "+kind)
	}
	if err := m.Form.Check(); err != nil {
		return err
	}
	known := map[string]bool{}
	for _, f := range fields {
		known[f.Name] = true
		if f.Need && m.Columns[f.Name] == "" {
			return bad("columns", "a column for "+f.Name+" is needed")
		}
	}
	used := map[string]bool{}
	for field, column := range m.Columns {
		switch {
		case !known[field]:
			return bad("columns", "a field that "+kind+" do not have")
		case column == "" || len(column) > 300:
			return bad("columns", field+": the name of a column was expected")
		case used[column]:
			return bad("columns", field+": another field has this column already")
		}
		used[column] = true
	}
	switch {
	case m.Date != "" && !m.Date.Known():
		return bad("date", "one of the known ways of writing dates was expected, such as DD.MM.YYYY")
	case m.Decimal != "" && m.Decimal != "." && m.Decimal != ",":
		return bad("decimal", "a point or a comma was expected")
	case m.Currency != "" && (len(m.Currency) != 3 || !capitals(m.Currency)):
		return bad("currency", "three capital letters were expected")
	}
	if m.Shop != "" && m.Shop != OwnShop && !CheckShop(m.Shop) {
		return bad("shop", OwnShop+", or a shop's name such as shopify/main was expected")
	}
	if _, err := m.Location(); err != nil {
		return err
	}
	return nil
}

// OwnShop is the installation's own shop, whose numbers have nothing before them.
const OwnShop = "own"

// ShopForm is how other shops are called: a system and a name.
const ShopForm = `[a-z][a-z0-9]{0,30}/[a-z0-9][a-z0-9-]{0,62}`

var shopForm = regexp.MustCompile(`^` + ShopForm + `$`)

// CheckShop reports whether a shop may be called so.
func CheckShop(name string) bool { return shopForm.MatchString(name) }

func bad(key, rule string) error {
	return fmt.Errorf("table: mapping: %s: %s: %w", key, rule, thimble.ErrInvalid)
}

// Location is the zone of dates that name none.
func (m Mapping) Location() (*time.Location, error) {
	at, err := time.LoadLocation(m.Zone)
	if err != nil || m.Zone == "Local" {
		return nil, bad("zone", "the IANA name of a zone was expected, such as Europe/Berlin")
	}
	return at, nil
}

// Layout is how dates are written.
func (m Mapping) Layout() Layout {
	if m.Date == "" {
		return Auto
	}
	return m.Date
}

// maxMapping bounds a saved mapping.
const maxMapping = 1 << 16

// ReadMapping reads a saved mapping, strictly: a key that is not known would be a wish
// that nobody heeds.
func ReadMapping(r io.Reader) (m Mapping, err error) {
	text, err := io.ReadAll(io.LimitReader(r, maxMapping+1))
	if err != nil {
		return m, fmt.Errorf("table: reading a mapping: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil || len(text) > maxMapping {
		return m, bad("the file", "JSON as --save-map writes it was expected, without other keys")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return m, bad("the file", "nothing was expected after the mapping")
	}
	if m.Version != MappingForm {
		return m, bad("thimble", MappingForm+" was expected")
	}
	return m, nil
}

// Bytes returns the mapping as it is saved; equal mappings have equal bytes.
func (m Mapping) Bytes() ([]byte, error) {
	m.Version = MappingForm
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("table: writing a mapping: %w", err)
	}
	return append(b, '\n'), nil
}
