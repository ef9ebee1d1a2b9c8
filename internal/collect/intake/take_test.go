package intake_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thimble"
	"thimble/internal/collect/frame"
	"thimble/internal/collect/intake"
	"thimble/internal/collect/segment"
	"thimble/internal/consent"
	"thimble/internal/subject"
)

const (
	browsing = thimble.Category("user.behavior.browsing_history")
	size     = thimble.Category("thimble.size")
	viewed   = `"product_id":"p1","size":"M","fit":"slim","currency":"EUR","price":19.9`
)

func drops(d ...any) map[intake.Drop]int {
	m := map[intake.Drop]int{}
	for i := 0; i < len(d); i += 2 {
		m[d[i].(intake.Drop)] = d[i+1].(int)
	}
	return m
}

func (s *shop) want(got intake.Taken, kept int, dropped ...any) {
	s.t.Helper()
	want := intake.Taken{Events: got.Events, Kept: kept, Dropped: drops(dropped...)}
	if diff := cmp.Diff(want, got); diff != "" {
		s.t.Errorf("taken (-want +got):\n%s", diff)
	}
}

func TestOfAPersonIsKeptWhatTheyPermit(t *testing.T) {
	each(t, func(s *shop) {
		ada := s.person(subject.Account, "A-1")

		s.want(s.sends(server, batch(s.track(`"userId":"A-1"`, "Product Viewed", viewed))), 0, intake.Denied, 1)
		s.says(ada, consent.Given, thimble.PersonalizeContent)
		s.want(s.sends(server, batch(s.track(`"userId":"A-1"`, "Product Viewed", viewed), s.track(`"userId":"A-1"`, "Order Completed", `"order_id":"o1","total":5`))), 2)
		s.says(ada, consent.Withdrawn, thimble.PersonalizeContent)
		s.want(s.sends(server, batch(s.track(`"userId":"A-1"`, "Product Viewed", viewed), s.track(`"userId":"A-1"`, "Order Completed", `"order_id":"o2","total":6,"products":[{"product_id":"p1","colour":"blue"}]`))), 1, intake.Denied, 1)

		got := s.kept()
		if len(got) != 3 || got[0].who != ada {
			t.Fatalf("%d events are kept, want 3 of the person", len(got))
		}
		if p := got[0].parts; p[browsing]["event"] != "Product Viewed" || p[size]["properties"].(map[string]any)["size"] != "M" || p["thimble.fit_feedback"] == nil {
			t.Errorf("kept %v", p)
		}
		last := got[2].parts
		if last[thimble.PurchaseHistory]["event"] != "Order Completed" || last["thimble.style_preference"] != nil {
			t.Errorf("an order after a withdrawal is kept as %v, want its purchase and no style", last)
		}
	})
}

func TestWhatIsKeptIsSealedAndNothingElseTellsOfIt(t *testing.T) {
	s := one(t)
	ada := s.person(subject.Account, "A-12345")
	s.says(ada, consent.Given, thimble.PersonalizeContent)
	s.sends(server, batch(s.track(`"userId":"A-12345","anonymousId":"device-1"`, "Product Viewed", `"product_id":"parka-blue","fit":"slim-fit"`)))
	text := fmt.Sprintf("%s %+v", s.log.records[0].Parts[0].Sealed, s.log.records)
	for _, plain := range []string{"A-12345", "device-1", "Product", "parka-blue", "slim-fit"} {
		if strings.Contains(text, plain) {
			t.Errorf("the log says %q", plain)
		}
	}
}

func TestAPublicSourceSpeaksOfDevicesOnly(t *testing.T) {
	each(t, func(s *shop) {
		ada := s.person(subject.Account, "A-1")
		eve := s.person(subject.Device, "eve-phone")
		s.says(ada, consent.Given, thimble.PersonalizeContent)
		s.says(eve, consent.Given, thimble.PersonalizeContent)

		// Eve's page claims to be Ada's.
		s.want(s.sends(browser, batch(s.track(`"userId":"A-1","anonymousId":"eve-phone"`, "Product Viewed", viewed))), 1)
		s.want(s.sends(browser, batch(s.track(`"userId":"A-1"`, "Product Viewed", viewed))), 0, intake.Nobody, 1)
		got := s.kept()
		if len(got) != 1 || got[0].who != eve {
			t.Errorf("kept %v, want one event, of the device", got)
		}
	})
}

func TestOfNobodyOnlyThatItHappenedIsCounted(t *testing.T) {
	s := one(t)
	event := s.track(`"anonymousId":"dev-1"`, "Product Viewed", viewed)
	s.want(s.sends(browser, batch(event, s.track(`"anonymousId":"dev-1"`, "Cart Viewed", `"products":[{"product_id":"p1"},{"product_id":"p2"},{"product_id":"p1"}]`))), 0, intake.Nobody, 2)
	s.want(s.sends(browser, batch(event)), 0, intake.Repeated, 1)
	day := int32(s.at.Unix() / 86400)
	want := []frame.Count{{Event: "Product Viewed", Item: "p1", Day: day, N: 1}, {Event: "Cart Viewed", Item: "p1", Day: day, N: 2}, {Event: "Cart Viewed", Item: "p2", Day: day, N: 1}}
	if diff := cmp.Diff(want, s.counted()); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	for _, r := range s.log.records {
		if !r.Subject.IsZero() || len(r.Parts) > 0 {
			t.Errorf("a record of nobody has %d parts and a subject", len(r.Parts))
		}
	}
	if n, err := s.people.Count(ctx); err != nil || n != 0 {
		t.Errorf("%d people were made, %v", n, err)
	}
}

// While the use of somebody's data is restricted, their orders are stored and nothing
// else is: they are theirs, and a shop that lost them could not deliver.
func TestAnOrderOfARestrictedPersonIsStored(t *testing.T) {
	each(t, func(s *shop) {
		ada := s.person(subject.Account, "A-1")
		s.says(ada, consent.Given, thimble.PersonalizeContent)
		s.restrict(ada)
		s.want(s.sends(server, batch(
			s.track(`"userId":"A-1"`, "Product Viewed", viewed),
			s.identify(`"userId":"A-1"`, `"email":"ada@example.org"`),
			s.track(`"userId":"A-1"`, "Order Completed", `"order_id":"o1","total":5,"products":[{"product_id":"p","colour":"blue","size":"M"}]`),
			s.track(`"userId":"A-1"`, "Order Refunded", `"order_id":"o1"`),
		)), 2, intake.Denied, 2)
		for _, k := range s.kept() {
			for c := range k.parts {
				if c != thimble.PurchaseHistory && c != "thimble.returns_behaviour" {
					t.Errorf("%s is kept of somebody whose data is restricted", c)
				}
			}
		}
		if !s.find(subject.Email, "ada@example.org").IsZero() {
			t.Error("an address was taken from somebody whose data is restricted")
		}
	})
}

// What is counted of nobody says the day and not the moment, and takes no order's number:
// the order of somebody comes after it.
func TestACountIsOfADayAndOfNoOrder(t *testing.T) {
	s := one(t)
	s.want(s.sends(server, batch(s.track(`"userId":"null"`, "Order Completed", `"order_id":"o1"`))), 0, intake.Nobody, 1)
	r := s.log.records[0]
	if r.Order != (frame.Key{}) || r.Received != s.at.Truncate(24*time.Hour).UnixMicro() || len(r.Counts) != 1 {
		t.Errorf("counted with an order %v, at %s", r.Order != frame.Key{}, time.UnixMicro(r.Received).UTC())
	}
	s.want(s.sends(server, batch(s.track(`"userId":"A-1"`, "Order Completed", `"order_id":"o1"`))), 1)
}

func TestAnEventIsKeptOnce(t *testing.T) {
	s := one(t)
	s.person(subject.Account, "A-1")
	order := func(source intake.Source, id, name, rest string) intake.Taken {
		return s.sends(source, batch(fmt.Sprintf(`{"type":"track","userId":"A-1","event":%q,"messageId":%q,"properties":{"order_id":"o1"%s}}`, name, id, rest)))
	}
	other := server
	other.Number = 7
	s.want(order(server, "m", "Order Completed", ""), 1)
	s.want(order(server, "m", "Order Completed", ""), 0, intake.Repeated, 1)
	s.want(order(server, "n", "Order Completed", `,"total":5`), 0, intake.Repeated, 1) // the order itself came before
	s.want(order(other, "m", "Order Completed", ""), 1)                                // a number is of its source, as a messageId is
	s.want(order(other, "n", "Order Completed", ""), 0, intake.Repeated, 1)
	named := func(source intake.Source, id string) intake.Taken {
		return s.sends(source, batch(fmt.Sprintf(`{"type":"track","userId":"A-1","event":"Order Completed","messageId":%q,"properties":{"order_id":"shopify/main:o1"}}`, id)))
	}
	s.want(named(server, "s1"), 1)
	s.want(named(other, "s2"), 0, intake.Repeated, 1) // it says itself whose number it is
	s.want(order(server, "u1", "Order Updated", ""), 1)
	s.want(order(server, "u2", "Order Updated", ""), 1) // which may happen twice
	s.want(order(server, "c", "Order Cancelled", ""), 1)
	double := s.track(`"userId":"A-1"`, "Order Updated", `"order_id":"o1"`)
	s.want(s.sends(server, batch(double, double)), 1, intake.Repeated, 1)
}

func TestSignalsOnlyNarrow(t *testing.T) {
	all := func(yes string) string {
		return fmt.Sprintf(`"consent":{"categoryPreferences":{"Analytics":%[1]s,"Advertising":%[1]s,"Functional":%[1]s,"DataSharing":%[1]s,"Personalization":%[1]s,"Training":%[1]s}}`, yes)
	}
	s := one(t)
	ada := s.person(subject.Account, "A-1")
	s.says(ada, consent.Given, thimble.PersonalizeContent)
	for name, c := range map[string]struct {
		shared, own string
		kept        bool
	}{
		"none":                       {"", "", true},
		"a yes":                      {"", all("true"), true},
		"a no of the event":          {"", all("false"), false},
		"a no of the batch":          {all("false"), all("true"), false},
		"an object without":          {"", `"consent":{}`, false},
		"one that cannot be read":    {"", `"consent":{"categoryPreferences":{"Analytics":"yes"}}`, false},
		"a null in its place":        {"", `"consent":{"categoryPreferences":null,"google":{}}`, false},
		"consent mode, all granted":  {"", `"consent":{"google":{"analytics_storage":"granted","personalization_storage":"granted","ad_storage":"granted","ad_user_data":"granted","ad_personalization":"granted","functionality_storage":"granted"}}`, true},
		"consent mode, a type less":  {"", `"consent":{"google":{"analytics_storage":"granted"}}`, false},
		"a TC string that is broken": {"", `"consent":{"tcf":"COw"}`, false},
		"a GPP string of nothing":    {"", `"consent":{"gpp":""}`, false},
		"an opt-out of sale":         {"", `"consent":{"usp":"1YYN"}`, true}, // which is not first-party use
		"escaped":                    {"", strings.Replace(all("false"), "consent", `cons\u0065nt`, 1), false},
		"preferences escaped":        {"", strings.Replace(all("false"), "categoryP", `category\u0050`, 1), false},
		"preferences beside another": {"", `"consent":{"usp":"1YNN","category\u0050references":{"Personalization":false}}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			event := strings.TrimSuffix(s.track(`"userId":"A-1"`, "Product Viewed", viewed), "}") + `,"context":{` + c.own + `}}`
			body := `{"context":{` + c.shared + `},"batch":[` + event + `]}`
			got := s.sends(server, body)
			s.n++
			again := s.sends(server, strings.Replace(body, fmt.Sprintf(`"m-%d"`, s.n-1), fmt.Sprintf(`"m-%d"`, s.n), 1)) // what it means is remembered
			if c.kept != (got.Kept == 1) || c.kept != (again.Kept == 1) || c.kept == (got.Dropped[intake.Denied] == 1) {
				t.Errorf("kept %+v, then %+v, want kept %v", got, again, c.kept)
			}
			if n := len(s.kept()); c.kept && s.kept()[n-1].who != ada {
				t.Error("kept of somebody else")
			}
		})
	}
}

func TestANoToEverythingLeavesWhatAContractNeeds(t *testing.T) {
	s := one(t)
	ada := s.person(subject.Account, "A-1")
	s.says(ada, consent.Given, thimble.PersonalizeContent)
	event := strings.TrimSuffix(s.track(`"userId":"A-1"`, "Order Completed", `"order_id":"o1","products":[{"product_id":"p","colour":"blue","size":"M"}]`), "}") + `,"context":{"consent":{},"locale":"de-DE"}}`
	s.want(s.sends(server, batch(event)), 1)
	var have []thimble.Category
	for c := range s.kept()[0].parts {
		have = append(have, c)
	}
	slices.Sort(have)
	if want := []thimble.Category{size, thimble.PurchaseHistory}; !slices.Equal(have, want) {
		t.Errorf("kept %v, want %v", have, want)
	}
}

// That it takes what only advertising needs, sdk/js shows on the whole way, with a pack that says so.
func TestTheHeaderOfGlobalPrivacyControlLeavesWhatServiceNeeds(t *testing.T) {
	s := one(t)
	s.person(subject.Account, "A-1")
	event := strings.TrimSuffix(s.track(`"userId":"A-1"`, "Order Completed", `"order_id":"o1"`), "}") + `,"context":{"campaign":{"name":"spring"}}}`
	got, err := s.in.Take(ctx, server, segment.Batch, []byte(batch(event)), intake.Arrival{At: s.at, GPC: []string{"1"}})
	if err != nil || got.Kept != 1 {
		t.Fatal(got, err)
	}
}

func TestWhatIsNotPlannedOrBrokenIsToldAndNotKept(t *testing.T) {
	s := one(t)
	s.person(subject.Account, "A-1")
	got := s.sends(server, batch(s.track(`"userId":"A-1"`, "Never Planned", `"x":1`), `{"type":"track"}`, s.track(`"userId":"A-1"`, "Order Updated", `"order_id":"o"`)))
	s.want(got, 1, intake.Unplanned, 1, intake.Broken, 1)
	if got.Events != 3 {
		t.Errorf("%d events, want 3", got.Events)
	}
	if _, err := s.take(server, `{"batch":`); !errors.Is(err, thimble.ErrInvalid) {
		t.Errorf("no JSON: %v, want invalid", err)
	}
}

func TestNothingIsTakenWhileTheLedgerIsSilentOrTheLogFull(t *testing.T) {
	s := one(t)
	s.person(subject.Account, "A-1")
	body := batch(s.track(`"userId":"A-1"`, "Order Updated", `"order_id":"o"`))
	s.uses.silent = true
	if _, err := s.take(server, body); !errors.Is(err, thimble.ErrUnavailable) {
		t.Errorf("while the ledger is silent: %v, want unavailable", err)
	}
	s.uses.silent = false
	s.log.fails = fmt.Errorf("the disk is full: %w", thimble.ErrUnavailable)
	if _, err := s.take(server, body); !errors.Is(err, thimble.ErrUnavailable) {
		t.Errorf("while the disk is full: %v, want unavailable", err)
	}
	s.log.fails = nil
	s.want(s.sends(server, body), 1)
}

func TestAnErasedPersonGetsNoEventThoughTheyWereRemembered(t *testing.T) {
	each(t, func(s *shop) {
		ada := s.person(subject.Account, "A-1")
		s.want(s.sends(server, batch(s.track(`"userId":"A-1"`, "Order Updated", `"order_id":"o"`))), 1)
		if _, err := s.people.Erase(ctx, ada); err != nil {
			t.Fatal(err)
		}
		got := s.sends(server, batch(s.track(`"userId":"A-1"`, "Order Updated", `"order_id":"o"`)))
		if got.Kept != 0 || len(s.kept()) != 1 {
			t.Errorf("of somebody who was erased: %+v", got)
		}
	})
}

func TestAWithdrawalWhileEventsAreSealedCounts(t *testing.T) {
	s := one(t)
	ada := s.person(subject.Account, "A-1")
	s.says(ada, consent.Given, thimble.PersonalizeContent)
	s.deps.Vault = &slow{Vault: s.vault, first: func() { s.says(ada, consent.Withdrawn, thimble.PersonalizeContent) }}
	s.open()
	s.want(s.sends(server, batch(s.track(`"userId":"A-1"`, "Product Viewed", viewed), s.track(`"userId":"A-1"`, "Order Completed", `"order_id":"o1","products":[{"product_id":"p","colour":"blue"}]`))), 1, intake.Denied, 1)
	got := s.kept()
	if len(got) != 1 || got[0].parts[thimble.PurchaseHistory] == nil || got[0].parts["thimble.style_preference"] != nil {
		t.Errorf("kept %v, want the purchase without style", got)
	}
}

// A body on its way into the log is told to stop when somebody in it withdraws, and the
// withdrawal is answered when it has: what was permitted before is written no more.
func TestAWithdrawalIsAnsweredWhenNoBodyOfBeforeIsUnderWay(t *testing.T) {
	each(t, func(s *shop) {
		ada := s.person(subject.Account, "A-1")
		s.person(subject.Account, "B-1")
		s.says(ada, consent.Given, thimble.PersonalizeContent)
		look := s.track(`"userId":"A-1"`, "Product Viewed", viewed)
		answered := make(chan struct{})
		s.log.before = func(ctx context.Context) error {
			go func() {
				defer close(answered)
				s.says(ada, consent.Withdrawn, thimble.PersonalizeContent)
			}()
			select {
			case <-answered:
				t.Error("the withdrawal was answered while the body was under way")
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if _, err := s.take(server, batch(s.order(`"userId":"B-1"`), look)); !errors.Is(err, thimble.ErrUnavailable) {
			t.Errorf("the body that was stopped: %v, want unavailable", err)
		}
		<-answered
		s.log.before = nil
		if got := s.kept(); len(got) != 0 {
			t.Fatalf("%d events are kept of a body that was refused", len(got))
		}
		s.want(s.sends(server, batch(look)), 0, intake.Denied, 1)
	})
}

// Somebody who keeps choosing costs the sender a second try, and nobody an event.
func TestOfSomebodyWhoKeepsChoosingNothingIsLost(t *testing.T) {
	s := one(t)
	ada := s.person(subject.Account, "A-1")
	state := consent.Given
	restless := &moody{turn: func() {
		if state = consent.Given; s.stands(ada, thimble.PersonalizeContent).Permits() {
			state = consent.Withdrawn
		}
		s.says(ada, state, thimble.PersonalizeContent)
	}}
	s.deps.Countries = restless
	s.open()
	order := s.track(`"userId":"A-1"`, "Order Completed", `"order_id":"o1","products":[{"product_id":"p","colour":"blue"}]`)
	body := batch(strings.TrimSuffix(order, "}") + `,"context":{"ip":"192.0.2.7"}}`)
	if _, err := s.take(server, body); !errors.Is(err, thimble.ErrUnavailable) {
		t.Errorf("of somebody who does not come to rest: %v, want unavailable", err)
	}
	if len(s.log.records) != 0 {
		t.Error("something was kept")
	}
	restless.turn = func() {}
	s.want(s.sends(server, body), 1)
}

// moody is an atlas during each of whose looks, which sealing begins with, something else happens.
type moody struct {
	atlas
	turn func()
}

func (m *moody) Of(a netip.Addr) ([2]byte, bool) {
	m.turn()
	return m.atlas.Of(a)
}

// slow is a vault before whose first seal something else happens.
type slow struct {
	intake.Vault
	first func()
	once  sync.Once
}

func (s *slow) Prepare(ctx context.Context, class string, at time.Time, owners ...thimble.SubjectID) (thimble.Seals, error) {
	seals, err := s.Vault.Prepare(ctx, class, at, owners...)
	s.once.Do(s.first)
	return seals, err
}

// atlas knows one network.
type atlas struct{}

func (atlas) Of(a netip.Addr) ([2]byte, bool) {
	return [2]byte{'D', 'E'}, netip.MustParsePrefix("192.0.2.0/24").Contains(a)
}

func TestAnAddressBecomesACountryAndIsGone(t *testing.T) {
	s := one(t)
	s.deps.Countries = atlas{}
	s.open()
	for name, c := range map[string]struct {
		src  intake.Source
		from string // the address of the connection
		says string // context.ip
		want any
	}{
		"a browser's connection":          {browser, "192.0.2.7", "", "DE"},
		"a browser may not say another":   {browser, "203.0.113.1", "192.0.2.7", nil},
		"a server says its customer's":    {server, "203.0.113.1", "192.0.2.7", "DE"},
		"a server's own is not theirs":    {server, "192.0.2.7", "", nil},
		"what is no address":              {server, "192.0.2.7", "x", nil},
		"an address that is nowhere":      {browser, "203.0.113.1", "", nil},
		"no address, such as of a socket": {browser, "", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			event := strings.TrimSuffix(s.track(`"userId":"A-1","anonymousId":"dev"`, "Order Completed", fmt.Sprintf(`"order_id":"o%d"`, s.n)), "}") + `,"context":{"ip":"` + c.says + `"}}`
			from, _ := netip.ParseAddr(c.from)
			if got, err := s.in.Take(ctx, c.src, segment.Batch, []byte(batch(event)), intake.Arrival{At: s.at, Address: from}); err != nil || got.Kept != 1 {
				t.Fatal(got, err)
			}
			parts := s.kept()[len(s.kept())-1].parts
			if got := parts[thimble.Country]["country"]; got != c.want {
				t.Errorf("the country is %v, want %v", got, c.want)
			}
			if text := fmt.Sprint(parts); strings.Contains(text, "192.0.2") || strings.Contains(text, "203.0") {
				t.Errorf("the address is kept: %s", text)
			}
		})
	}
}

func TestWhatIsTooMuchIsMadeLessBeforeItIsSealed(t *testing.T) {
	s := one(t)
	ada := s.person(subject.Account, "A-1")
	s.says(ada, consent.Given, thimble.PersonalizeContent)
	s.sends(server, batch(
		s.identify(`"userId":"A-1"`, `"birthday":"1990-01-31","firstName":"Ada","address":{"country":"GB","state":"London","city":"Marylebone","street":"St James 12","postalCode":"W1"},"card":"4111 1111 1111 1111"`),
		strings.TrimSuffix(s.track(`"userId":"A-1"`, "Product Shared", `"product_id":"p","share_via":"email","share_message":"for you, Bea","recipient":"bea@example.org"`), "}")+`,"context":{"userAgent":"Mozilla","page":{"url":"https://shop.example/p?email=ada@example.org","search":"?q=1"}}}`,
		s.track(`"userId":"A-1"`, "Products Searched", `"query":"a gift for bea@example.org, card 4111 1111 1111 1111"`),
		s.track(`"userId":"A-1"`, "Order Refunded", `"order_id":"o","return_reason":"my number is +44 20 7946 0958"`),
	))
	text := fmt.Sprint(s.kept())
	for _, gone := range []string{"1990", "Ada", "Marylebone", "St James", "W1", "4111", "Bea", "bea@", "Mozilla", "ada@", "?q", "7946"} {
		if strings.Contains(text, gone) {
			t.Errorf("%q is kept: %s", gone, text)
		}
	}
	for _, stays := range []string{"35-44", "GB", "London", "share_via", "a gift for", "https://shop.example/p"} {
		if !strings.Contains(text, stays) {
			t.Errorf("%q is not kept: %s", stays, text)
		}
	}
}
