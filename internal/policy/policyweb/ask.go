package policyweb

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"thimble/internal/policy"
	"thimble/internal/policy/calendar"
	"thimble/internal/web"
)

// An ask is a question as an address puts it.
type ask struct {
	place    string
	on       calendar.Date
	shop     policy.Shop
	problems []web.FieldProblem
}

// read reads a question of the query. What is not there is today, an unknown residence
// and the shop as it is configured.
func (d *desk) read(q url.Values) ask {
	a := ask{on: d.Laws.Today(), shop: d.Laws.Regime().Shop()}
	a.place = a.readPlace(q, "place")
	a.on = a.readDay(q, "on", a.on)
	for name, into := range map[string]func(policy.Shop){
		"establishment": func(s policy.Shop) { a.shop.Establishment = s.Establishment },
		"facts":         func(s policy.Shop) { a.shop.Facts = s.Facts },
	} {
		if !q.Has(name) {
			continue
		}
		establishment, facts := "", ""
		if name == "facts" {
			facts = q.Get(name)
		} else {
			establishment = q.Get(name)
		}
		s, err := policy.ParseShop(establishment, facts)
		if err != nil {
			say := "Write ISO 3166 codes with commas between, such as DE, FR."
			if name == "facts" {
				say = "Write names with whole numbers and commas between, such as marketplace=1."
			}
			a.problems = append(a.problems, web.FieldProblem{Field: name, Detail: say})
		}
		into(s)
	}
	return a
}

func (a *ask) readPlace(q url.Values, name string) string {
	place := strings.ToUpper(strings.TrimSpace(q.Get(name)))
	if place == "" || policy.Place(place) {
		return place
	}
	a.problems = append(a.problems, web.FieldProblem{Field: name, Detail: "Choose a place of the list, or write an ISO 3166 code in the address, such as JP or US-CA."})
	return ""
}

func (a *ask) readDay(q url.Values, name string, fallback calendar.Date) calendar.Date {
	text := q.Get(name)
	if text == "" {
		return fallback
	}
	day, err := calendar.ParseDate(text)
	if err != nil {
		a.problems = append(a.problems, web.FieldProblem{Field: name, Detail: "Write a day such as 2026-11-21, from 1900 on."})
		return fallback
	}
	return day
}

// question is the ask for the library.
func (a ask) question(place string, on calendar.Date) policy.Question {
	q := policy.Question{On: on, Establishment: a.shop.Establishment, Facts: a.shop.Facts}
	if place != "" {
		q.Residences = []policy.Residence{{Place: place, Evidence: policy.Declared}}
	}
	return q
}

// shopFields are the two fields about the shop.
func (d *desk) shopFields(q url.Values, a ask) []web.Field {
	facts := make([]string, 0, len(a.shop.Facts))
	for name, n := range a.shop.Facts {
		facts = append(facts, name+"="+strconv.FormatInt(n, 10))
	}
	slices.Sort(facts)
	var asked []string
	for _, f := range d.library().Facts() {
		asked = append(asked, f.Name)
	}
	establishment := web.Field{Name: "establishment", Label: "Where the shop is established", Value: strings.Join(a.shop.Establishment, ", "),
		Hint: "ISO 3166 codes, such as DE; several with commas. Laws of the seat apply to everybody.", MaxLength: 100, Autocomplete: "off"}
	of := web.Field{Name: "facts", Label: "Facts about the shop", Value: strings.Join(facts, ", "), MaxLength: 500, Autocomplete: "off",
		Hint: fmt.Sprintf("Such as marketplace=1. Laws ask: %s. What is not said counts as reached, unless the pack says otherwise.", strings.Join(asked, ", "))}
	for _, f := range []*web.Field{&establishment, &of} {
		if q.Has(f.Name) {
			f.Value = q.Get(f.Name)
		}
	}
	return []web.Field{establishment, of}
}

func (d *desk) placeField(name, label, chosen string) web.Field {
	return web.Field{Name: name, Label: label, Kind: web.SelectField, Value: chosen, Options: placeOptions(d.library().Places(), chosen)}
}

func dayField(name, label string, day calendar.Date) web.Field {
	return web.Field{Name: name, Label: label, Kind: web.DateField, Value: day.String(), Min: "1900-01-01", Max: "2999-12-31", Required: true, Short: true}
}
