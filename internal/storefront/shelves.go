package storefront

import (
	"net/http"
	"strings"

	"thimble/internal/decision/decisionweb"
	"thimble/internal/recommend/lists"
	"thimble/internal/web"
)

// titles are the heads of the shelves that are the same for everybody.
var titles = map[lists.Kind]string{
	lists.Trending: "Trending", lists.Season: "At this time a year ago", lists.Similar: "Similar", lists.GoesWith: "Goes with",
}

// made is a shelf for everybody, each product with its reason.
func (s *shop) made(r *http.Request, a lists.Ask) (shelf, error) {
	list, err := s.Lists.Make(r.Context(), a)
	if err != nil {
		return shelf{}, err
	}
	v := shelf{ID: string(a.Kind), Title: titles[a.Kind], Badge: web.Badge{Text: "Not personal"}, Why: list.Why}
	for _, e := range list.Entries {
		p := card(*e.Product)
		p.Why = why(a.Kind, e)
		v.Products = append(v.Products, p)
	}
	return v, nil
}

// why is a product's reason. On the page of an item it goes without saying what it is
// like, or bought with.
func why(kind lists.Kind, e lists.Entry) string {
	if e.Campaign != "" {
		return e.Campaign
	}
	said := e.Why
	for _, a := range e.Alike {
		said = strings.ReplaceAll(said, a.Because.Name, decisionweb.ItemName(a.Because.Name))
	}
	if _, shared, ok := strings.Cut(said, ": "); ok && len(e.Alike) > 0 {
		said = capital(shared)
	} else if kind == lists.GoesWith {
		said = ""
	}
	return strings.Join(append([]string{said}, e.Because...), ", ")
}
