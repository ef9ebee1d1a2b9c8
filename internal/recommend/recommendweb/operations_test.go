package recommendweb_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"thimble"
	"thimble/internal/api/apitest"
	"thimble/internal/catalog"
	"thimble/internal/gate"
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
}

func product(id thimble.ItemID) catalog.Product {
	return catalog.Product{ID: id, Name: "item " + string(id), Kind: catalog.Goods}
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
	} {
		d.Refuses(d.Get(apitest.Read, path+query), 422, "invalid", field, "secret", "Secret")
	}
	d.Refuses(d.Get(apitest.None, path), 401, "key-missing", "")
	d.Refuses(d.Get(apitest.Collect, path), 403, "scope-missing", "")
}
