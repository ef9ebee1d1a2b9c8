package recommendweb_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"thimble"
	"thimble/internal/api/apitest"
	"thimble/internal/catalog"
	"thimble/internal/gate"
	"thimble/internal/recommend/arrange"
	"thimble/internal/recommend/lists"
	"thimble/internal/recommend/recommendweb"
)

// The three people that shop knows, and one it does not.
var (
	allows  = thimble.SubjectID{1}
	refuses = thimble.SubjectID{2}
	empty   = thimble.SubjectID{3} // permits, and has bought nothing
	nobody  = thimble.SubjectID{9}
)

// A shop makes lists as lists.Shop does, and keeps who asked.
type shop struct {
	actor     gate.Actor
	placement string
	asked     lists.Ask
	broken    bool
}

func product(id thimble.ItemID) *catalog.Product {
	return &catalog.Product{ID: id, Name: "item " + string(id), Kind: catalog.Goods}
}

// Make asks the shop for what the kind says, and keeps what was asked.
func (s *shop) Make(ctx context.Context, a lists.Ask) (lists.List, error) {
	s.asked = a
	switch {
	case s.broken:
		return lists.List{}, errors.New("disk 7 is on fire")
	case a.Kind == lists.ForYou:
		return s.ForYou(ctx, a.Actor, a.Subject, a.Placement, a.N)
	case a.Kind == lists.GoesWith:
		return s.GoesWith(ctx, a.Item, a.N)
	case a.Kind == lists.Similar:
		return lists.List{Kind: a.Kind, Why: "Alike.", Rules: "r1", Applied: []string{"what is out of stock is left out"}, Entries: []lists.Entry{{
			Product: product("s"), Score: 12, Moved: 2, Because: []string{"our own brand"}, Why: "Like item x: same brand",
			Alike: []lists.Likeness{{Because: product("x"), Field: "brand", Value: "own", Share: 12}},
		}}}, nil
	}
	return s.Popular(ctx, a.N)
}

func (s *shop) Popular(_ context.Context, n int) (lists.List, error) {
	l := lists.List{Why: "What most orders of the last 30 days contained. Nothing about you was used."}
	for _, id := range []thimble.ItemID{"a", "b", "c"}[:min(n, 3)] {
		l.Entries = append(l.Entries, lists.Entry{Product: product(id), Score: 7, Orders: 7})
	}
	return l, nil
}

func (s *shop) GoesWith(_ context.Context, item thimble.ItemID, _ int) (lists.List, error) {
	return lists.List{Why: "Learned from orders.", Model: 3, Entries: []lists.Entry{{Product: product(item + "+"), Score: 5}}}, nil
}

func (s *shop) ForYou(ctx context.Context, a gate.Actor, who thimble.SubjectID, placement string, n int) (lists.List, error) {
	s.actor, s.placement = a, placement
	verdict := &gate.Verdict{Allowed: who == allows, Basis: "consent", Cite: "GDPR Art. 6(1)(a)", Pack: "baseline.strict"}
	l, err := s.Popular(ctx, n)
	l.Verdict = verdict
	switch who {
	case allows:
		l = lists.List{Personal: true, Why: "Made from what you bought.", Verdict: verdict, Decision: thimble.ID{4}, Model: 3, Entries: []lists.Entry{
			{Product: product("z"), Score: 9, Terms: []lists.Term{{Because: product("y"), Share: 9}}},
		}}
	case empty:
		l.Verdict = nil
	case refuses:
		l.Why = "Not personal, because the person's answer is: refused."
	default:
		l.Why = "Not personal, because there is no such person."
	}
	return l, err
}

const path = "/v1/recommendations"

func TestAPersonalListNamesItsReasonsAndItsDecision(t *testing.T) {
	s := &shop{}
	d := apitest.Open(t, recommendweb.Operations(s))
	a := d.Get(apitest.Read, path+"?subject="+allows.String()+"&explain=true&placement=home-page")
	var got recommendweb.Recommendations
	d.Into(&got, a)
	if !got.Personal || !got.Verdict.Allowed || got.Verdict.Cite == "" || got.Decision != (thimble.ID{4}).Token("dec") || got.Receipt != "/v1/decisions/"+got.Decision+"/receipt" ||
		len(got.Entries) != 1 || got.Entries[0].Terms[0].Share != 9 || got.Entries[0].Terms[0].Because.ID != "y" {
		t.Errorf("got %s", a.Body)
	}
	if a.Header.Get("Cache-Control") != "private, no-store" || a.Header.Get("ETag") != "" {
		t.Errorf("a personal list is kept: %v", a.Header)
	}
	if s.actor != (gate.Actor{Kind: gate.Client, Name: "read-system"}) || s.placement != "home-page" {
		t.Errorf("asked as %+v for %q", s.actor, s.placement)
	}
	var short recommendweb.Recommendations
	d.Into(&short, d.Get(apitest.Read, path+"?subject="+allows.String()))
	if short.Entries[0].Terms != nil || s.placement != "api" {
		t.Errorf("without explain: %+v, placement %q", short, s.placement)
	}
}

func TestTheAnswerDoesNotTellWhoHasAnAccount(t *testing.T) {
	d := apitest.Open(t, recommendweb.Operations(&shop{}))
	known, unknown := d.Get(apitest.Read, path+"?subject="+refuses.String()), d.Get(apitest.Read, path+"?subject="+nobody.String())
	if diff := cmp.Diff(known.Body, unknown.Body); diff != "" || known.Status != 200 {
		t.Errorf("the two differ (-refuses +nobody):\n%s", diff)
	}
	for _, who := range []thimble.SubjectID{refuses, nobody, empty} { // of what they looked at, just as little
		a := d.Get(apitest.Read, path+"?kind=recent&subject="+who.String())
		if want := `{"kind":"recent","personal":false,"why":"Not personal: nothing permits a list for this person, or there is nothing to make it from.","entries":[]}`; strings.TrimSpace(a.Body) != want || a.Header.Get("Cache-Control") != "private, no-store" {
			t.Errorf("got %s, %v", a.Body, a.Header)
		}
	}
	for _, who := range []thimble.SubjectID{refuses, nobody, empty} {
		var got recommendweb.Recommendations
		a := d.Get(apitest.Read, path+"?subject="+who.String())
		d.Into(&got, a)
		if got.Personal || got.Why == "" || len(got.Entries) != 3 || got.Decision != "" || a.Header.Get("Cache-Control") != "private, no-store" {
			t.Errorf("got %s, %v", a.Body, a.Header)
		}
	}
}

func TestListsForEverybodyAreKeptByCaches(t *testing.T) {
	d := apitest.Open(t, recommendweb.Operations(&shop{}))
	for _, query := range []string{"?limit=2", "?item=x"} {
		a := d.Get(apitest.Read, path+query)
		tag := a.Header.Get("ETag")
		if a.Status != 200 || tag == "" || a.Header.Get("Cache-Control") != "public, max-age=60" || a.Header.Get("Vary") != "Authorization" {
			t.Errorf("%s: %d %v", query, a.Status, a.Header)
		}
		for _, sent := range []string{tag, `"other", W/` + tag, "*"} {
			if again := d.Get(apitest.Read, path+query, "If-None-Match", sent); again.Status != 304 || again.Body != "" || again.Header.Get("ETag") != tag {
				t.Errorf("%s with %s: %d %q", query, sent, again.Status, again.Body)
			}
		}
		if other := d.Get(apitest.Read, path+query, "If-None-Match", `"other"`); other.Status != 200 {
			t.Errorf("%s with another tag: %d", query, other.Status)
		}
	}
}

func TestBadInputOfListsIsNamed(t *testing.T) {
	d := apitest.Open(t, recommendweb.Operations(&shop{}))
	for query, field := range map[string]string{
		"?subject=secret": "query.subject", "?subject=secret@example.org": "query.subject", "?limit=51": "query.limit", "?limit=0": "query.limit",
		"?placement=Secret+secret": "query.placement", "?explain=secret": "query.explain", "?item=x&subject=" + allows.String(): "query.item",
		"?kind=secret": "query.kind", "?kind=for-you": "query.subject", "?kind=recent": "query.subject", "?country=secret": "query.country", "?country=DE&kind=trending": "query.country", "?kind=popular&subject=" + allows.String(): "query.kind", "?kind=similar": "query.item",
		"?kind=next": "query.session", "?kind=bought-together": "query.session", "?session=a&subject=" + allows.String(): "query.item", "?max_price=NaN": "query.max_price",
		"?max_price=-1": "query.max_price", "?min_price=5&max_price=4": "query.max_price", "?currency=secret": "query.currency", "?in_stock=perhaps": "query.in_stock",
		"?session=" + strings.Repeat("a,", 50) + "a": "query.session", "?session=" + strings.Repeat("s", 65): "query.session",
	} {
		d.Refuses(d.Get(apitest.Read, path+query), 422, "invalid", field, "secret", "Secret")
	}
	d.Refuses(d.Get(apitest.None, path), 401, "key-missing", "")
	d.Refuses(d.Get(apitest.Collect, path), 403, "scope-missing", "")
}

func TestAQuerySaysWhichListAndWhatItMayHold(t *testing.T) {
	s := &shop{}
	d := apitest.Open(t, recommendweb.Operations(s))
	want := lists.Ask{
		Kind: lists.Similar, Actor: gate.Actor{Kind: gate.Client, Name: "read-system"}, Item: "x", Placement: "api", N: 5, GrownUp: true,
		Filter: arrange.Filter{Category: "shirts", Brand: "Own", Size: "M", MinPrice: 100, MaxPrice: 5000, Currency: "EUR", InStock: true},
	}
	a := d.Get(apitest.Read, path+"?kind=similar&item=x&limit=5&grown_up=true&category=shirts&brand=Own&size=M&min_price=100&max_price=5000&currency=EUR&in_stock=true&explain=true")
	if diff := cmp.Diff(want, s.asked); diff != "" {
		t.Errorf("asked otherwise:\n%s", diff)
	}
	var got recommendweb.Recommendations
	d.Into(&got, a)
	if e := got.Entries[0]; got.Kind != "similar" || got.Rules != "r1" || len(got.Applied) != 1 || e.Moved != 2 || e.Because[0] != "our own brand" || e.Why == "" || e.Alike[0].Share != 12 || e.Alike[0].Field != "brand" {
		t.Errorf("got %s", a.Body)
	}
	if d.Get(apitest.Read, path+"?country=DE"); s.asked.Kind != lists.Popular || s.asked.Country != "DE" {
		t.Errorf("asked %+v", s.asked)
	}
	// Of a personal list too.
	d.Get(apitest.Read, path+"?subject="+allows.String()+"&category=shirts&max_price=5000&in_stock=true&grown_up=true")
	if f := (arrange.Filter{Category: "shirts", MaxPrice: 5000, InStock: true}); s.asked.Kind != lists.ForYou || s.asked.Filter != f || !s.asked.GrownUp {
		t.Errorf("asked %+v", s.asked)
	}
	// A list from a session is of nobody, and no cache keeps it.
	if a = d.Get(apitest.Read, path+"?session=x,y"); s.asked.Kind != lists.Next || len(s.asked.Session) != 2 || a.Header.Get("Cache-Control") != "private, no-store" || a.Header.Get("ETag") != "" {
		t.Errorf("asked %+v, got %v", s.asked, a.Header)
	}
}

func TestEachRequestOfABatchIsAnsweredOrRefusedOnItsOwn(t *testing.T) {
	s := &shop{}
	d := apitest.Open(t, recommendweb.Operations(s))
	post := func(body string) apitest.Answer { return d.Do(apitest.Read, "POST", path+"/batch", body) }
	a := post(`{"requests": [{"subject": "` + allows.String() + `"}, {"kind": "similar"}, {"item": "x"}, {"subject": "` + refuses.String() + `"}, {}]}`)
	var got struct{ Answers []recommendweb.Answer }
	d.Into(&got, a)
	if a.Status != 200 || len(got.Answers) != 5 || a.Header.Get("Cache-Control") != "private, no-store" {
		t.Fatalf("got %d %s", a.Status, a.Body)
	}
	if one := got.Answers; !one[0].List.Personal || one[1].Status != 422 || one[1].Field != "requests[1].item" || one[1].List != nil || one[2].List.Kind != "goes-with" || one[3].List.Personal || len(one[4].List.Entries) != 3 {
		t.Errorf("got %s", a.Body)
	}
	d.Refuses(post(`{"requests": []}`), 422, "invalid", "body.requests")
	d.Refuses(post(`{"requests": [`+strings.Repeat("{},", 100)+`{}]}`), 422, "invalid", "body.requests")
	d.Refuses(post(`{"requests": [{"itm": "secret"}]}`), 422, "invalid", "body.requests[0].itm", "secret")
	s.broken = true
	if a := post(`{"requests": [{}]}`); a.Status != 500 || strings.Contains(a.Body, "disk") {
		t.Errorf("broken: %s", fmt.Sprint(a.Status, a.Body))
	}
}
