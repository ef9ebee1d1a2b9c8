package collect

import (
	"fmt"
	"io"
	"strings"
	"time"

	"thimble"
	"thimble/internal/collect/table"
	"thimble/internal/subject"
)

// values are those of one record, in the order of the kind's fields.
type values []string

// meaning is how the values of a source are read.
type meaning struct {
	at       map[string]int
	mapped   bool // by a mapping that somebody confirmed; else by the names of orders
	opt      Options
	layout   table.Layout
	zone     *time.Location
	decimal  string
	currency string
	prefix   string    // before the numbers of customers, orders and reviews: whose they are
	home     string    // the country of whom the source does not say
	now      time.Time // nothing is from after tomorrow
}

// openRows opens a text of a kind with what its columns mean.
func openRows(k Kind, text io.Reader, opt Options) (*meaning, table.Reader, error) {
	form := table.Plain()
	if opt.Map != nil {
		form = opt.Map.Form
	}
	in, err := opened(text, form, opt)
	if err != nil {
		return nil, nil, err
	}
	m := &meaning{at: map[string]int{}, opt: opt, zone: opt.Zone, currency: opt.Currency, prefix: opt.prefix, now: opt.now()}
	columns := map[string]string{}
	if opt.Map == nil {
		if columns, err = byHeader(in.Columns()); err != nil {
			return nil, nil, err
		}
	} else {
		m.mapped, m.layout, m.decimal, columns, m.home = true, opt.Map.Layout(), opt.Map.Decimal, opt.Map.Columns, opt.Map.Country
		m.currency = opt.Map.Currency
		if m.zone, err = opt.Map.Location(); err != nil {
			return nil, nil, err
		}
		if err := there(in, form, columns); err != nil {
			return nil, nil, err
		}
	}
	var use []string
	for _, f := range Fields(k) {
		if c, ok := columns[f.Name]; ok {
			m.at[f.Name] = len(use)
			use = append(use, c)
		}
	}
	in.Use(use)
	return m, in, nil
}

func opened(text io.Reader, form table.Form, opt Options) (table.Reader, error) {
	if opt.object != nil {
		return table.Object(*opt.object), nil
	}
	return table.Open(table.Decode(text, form.Encoding), form)
}

// there refuses a mapping of columns that a table does not have. Objects and feeds may
// have fields that their first record lacks.
func there(in table.Reader, form table.Form, columns map[string]string) error {
	if form.Writing != table.CSV {
		return nil
	}
	for field, column := range columns {
		if !contains(in.Columns(), column) {
			return fmt.Errorf("collect: mapping: columns: %s: the file has no such column: %w", field, thimble.ErrInvalid)
		}
	}
	return nil
}

// get returns the value of a field, "" where there is none. The apostrophe by which
// spreadsheets keep a number as text goes.
func (m *meaning) get(v values, field string) string {
	i, ok := m.at[field]
	if !ok {
		return ""
	}
	s := strings.TrimSpace(v[i])
	if m.mapped && len(s) > 1 && s[0] == '\'' && (s[1] == '+' || s[1] >= '0' && s[1] <= '9') {
		s = s[1:]
	}
	return s
}

// time reads a date as it was confirmed to be written.
func (m *meaning) time(s string) (time.Time, bool) {
	if !m.mapped {
		return m.opt.parseTime(s)
	}
	at, ok := m.layout.Parse(s, m.zone)
	return at, ok && at.Year() >= 1970
}

// past is time of what has happened: not tomorrow.
func (m *meaning) past(s string) (time.Time, bool) {
	at, ok := m.time(s)
	return at, ok && at.Before(m.now.Add(24*time.Hour))
}

// money reads the price of a row.
func (m *meaning) money(v values) (thimble.Money, Reason) {
	s, currency := m.get(v, "price"), m.currency
	if m.mapped {
		number, code, ok := table.Decimal(s, m.decimal)
		if !ok {
			return thimble.Money{}, BadPrice
		}
		s = number
		if code != "" {
			currency = code
		}
		if code := m.get(v, "currency"); code != "" {
			currency = strings.ToUpper(code)
		}
	}
	if !isCurrency(currency) {
		return thimble.Money{}, BadCurrency
	}
	minor, reason := parsePrice(s, currency)
	return thimble.Money{Minor: minor, Currency: currency}, reason
}

func isCurrency(s string) bool {
	for i := range len(s) {
		if s[i] < 'A' || s[i] > 'Z' {
			return false
		}
	}
	return len(s) == 3
}

func (m *meaning) country(s string) (code string, ok bool) {
	if !m.mapped {
		return countryCode(s)
	}
	if s == "" && m.home != "" {
		return m.home, true
	}
	return countryNamed(s)
}

// buyer is by what the row names the customer: the number if there is one, else the
// e-mail address. Beside a number the address is returned as well: whoever was forgotten
// by it stays out.
func (m *meaning) buyer(v values) (id, beside subject.Identifier, ok bool) {
	text := m.get(v, "customer")
	if m.mapped && text == "0" { // a guest, as shop systems write it
		text = ""
	}
	number, ok := account(text)
	if !ok {
		return id, beside, false
	}
	address := subject.Identifier{}
	var err error
	if text := m.get(v, "email"); text != "" {
		address, err = subject.NewIdentifier(subject.Email, text)
	}
	if number == "" {
		return address, beside, err == nil
	}
	if err != nil { // it is not what names the customer
		address = subject.Identifier{}
	}
	return subject.Identifier{Kind: subject.Account, Value: thimble.Hide(m.theirs(number))}, address, true
}
