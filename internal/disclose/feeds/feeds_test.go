package feeds_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/catalog/catalogdb"
	"thimble/internal/disclose"
	"thimble/internal/disclose/disclosedb"
	"thimble/internal/disclose/feeds"
	"thimble/internal/disclose/wire"
	"thimble/internal/gate"
	"thimble/internal/gate/gatedb"
	"thimble/internal/holdertest"
	"thimble/internal/order"
	"thimble/internal/order/orderdb"
	"thimble/internal/sqldb"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const agreement = `agreement: 1
title: Fulfilment
contract: "Contract 12 of 2026"
act: process
effective: 2026-01-01
until: 2028-01-01
purposes: [essential.service]
fields: [%s]
transfer: {basis: none}
assessment: {by: privacy, on: 2026-01-01, expires: 2028-01-01}
retention: 30d
`

const orderFields = `{name: order, category: user.behavior.purchase_history}, {name: placed, category: user.behavior.purchase_history}, {name: return, category: user.behavior.purchase_history}, {name: lines, category: user.behavior.purchase_history}`

const productFields = `{name: item}, {name: name}, {name: price_minor}, {name: currency}`

// shop is a store with orders, products and a recipient that keeps what comes.
type shop struct {
	*holdertest.Kernel
	t      *testing.T
	store  *disclosedb.Store
	orders *orderdb.Store
	goods  *catalogdb.Store
	run    feeds.Runner
	got    []string
	n      int
}

func (s *shop) Check(string, []string) error { return nil }

func (s *shop) Post(ctx context.Context, _ wire.Hook, m wire.Message) wire.Outcome {
	if err := s.store.Begin(ctx, m.Disclosure); err != nil {
		return wire.Outcome{State: wire.Retry, Why: wire.NotRecorded}
	}
	s.got = append(s.got, string(m.Body.Reveal()))
	return wire.Outcome{State: wire.Delivered}
}

func (s *shop) Mail(context.Context, wire.Relay, wire.Letter) wire.Outcome { return wire.Outcome{} }

func (s *shop) Drop(context.Context, *wire.Folder, thimble.ID, wire.Message) wire.Outcome {
	return wire.Outcome{}
}

func each(t *testing.T, f func(t *testing.T, s *shop)) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		s := &shop{Kernel: k, t: t, orders: orderdb.New(k.Core, k.Vault, k.Vault), goods: catalogdb.New(k.Core)}
		uses := gatedb.New(k.Core, k.Ledger, k.Vault, gatedb.Config{Now: k.Now})
		g := gate.New(k.Subjects, k.Consent, k.Vault, uses, k.Pack, gate.NewMoves(), k.Now)
		s.store = disclosedb.New(k.Core, k.Ledger, k.Vault, k.Subjects, g, disclosedb.Config{Now: k.Now, Rand: rand.New(rand.NewPCG(1, 2))})
		s.store.Use(s)
		g.Knows(gate.Known{Recipient: s.store.Known})
		s.run = feeds.Runner{Outbox: s.store, Orders: s.orders, Products: s.goods}
		f(t, s)
	})
}

func (s *shop) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) recipient(feed, fields string) thimble.ID {
	s.t.Helper()
	s.n++
	id, _, err := s.store.Add(s.t.Context(), disclose.Recipient{Name: fmt.Sprintf("Parcels %d", s.n), Kind: disclose.Processor, Contact: "privacy@parcels.example",
		Countries: []string{"DE"}, Transport: disclose.Webhook, Endpoint: "https://parcels.example/in"}, "ada")
	s.must(err)
	signed, err := s.store.Submit(s.t.Context(), id, fmt.Sprintf(agreement, fields), "ada")
	s.must(err)
	s.must(s.store.Accept(s.t.Context(), signed.ID, "grace", "the contract was read"))
	s.must(s.store.Subscribe(s.t.Context(), id, feed, "ada"))
	return id
}

func (s *shop) buys(who thimble.SubjectID, at time.Time) {
	s.t.Helper()
	s.n++
	id, err := thimble.NewID(nil)
	s.must(err)
	drafts, err := s.orders.Draft(s.t.Context(), []order.Order{{ID: id, Subject: who, Number: fmt.Sprintf("53636%d", s.n), PlacedAt: at, Country: "DE",
		Lines: []order.Line{{Item: "85123A", Units: 2, Price: thimble.Money{Minor: 255, Currency: "GBP"}}}}})
	s.must(err)
	s.must(s.Core.Write(s.t.Context(), func(tx *sqldb.Tx) error { return s.orders.Add(s.t.Context(), tx, drafts) }))
}

func (s *shop) runs() feeds.Report {
	s.t.Helper()
	done, err := s.run.Run(s.t.Context())
	s.must(err)
	for did := true; did; {
		did, err = s.store.Step(s.t.Context())
		s.must(err)
	}
	return done
}

// tokens are what differs from run to run.
var tokens = regexp.MustCompile(`(msg|dsc|agr|psn|als)_[0-9a-z]{26}`)

func golden(t *testing.T, name, got string) {
	t.Helper()
	got = tokens.ReplaceAllString(got, "${1}_…")
	lines := strings.SplitAfter(got, "\n")
	slices.Sort(lines[1 : len(lines)-1]) // the order of people is drawn
	got = strings.Join(lines, "")
	path := "testdata/" + name
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestOrdersGoOnceWithTheFieldsOfTheAgreement(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		s.recipient(disclose.OrderFeed, orderFields)
		ada, eve := s.Person(t), s.Person(t)
		s.buys(ada, s.Now())
		s.buys(ada, s.Now().Add(-24*time.Hour))
		s.buys(eve, s.Now())
		s.buys(eve, time.Date(2025, 12, 31, 23, 0, 0, 0, time.UTC)) // from before the agreement
		s.buys(thimble.SubjectID{}, s.Now())                        // a guest
		if done := s.runs(); done.Messages != 1 || done.People != 2 {
			t.Fatalf("got %+v", done)
		}
		golden(t, "orders.jsonl", s.got[0])
		if done := s.runs(); done != (feeds.Report{}) || len(s.got) != 1 {
			t.Errorf("a run with nothing new sends %+v", done)
		}
		s.buys(ada, s.Now())
		if done := s.runs(); done.People != 1 || strings.Count(s.got[1], `"order"`) != 1 {
			t.Errorf("a run with one new order sends %+v: %s", done, s.got[1])
		}
		person := regexp.MustCompile(`psn_[0-9a-z]{26}`)
		if !strings.Contains(s.got[0], person.FindString(s.got[1])) {
			t.Error("the same person has another pseudonym in the next message")
		}
	})
}

func TestNoOrderIsSentTwiceOrMissedWhenRunsRace(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		s.recipient(disclose.OrderFeed, orderFields)
		const n = 450 // more than two pages
		for range n {
			s.buys(s.Person(t), s.Now())
		}
		errs := make(chan error, 4)
		for range cap(errs) {
			go func() { _, err := s.run.Run(context.WithoutCancel(t.Context())); errs <- err }()
		}
		for range cap(errs) {
			s.must(<-errs)
		}
		s.runs()
		seen := map[string]int{}
		for _, body := range s.got {
			for _, word := range regexp.MustCompile(`als_[0-9a-z]{26}`).FindAllString(body, -1) {
				seen[word]++
			}
		}
		for word, times := range seen {
			if times != 1 {
				t.Errorf("%s was sent %d times", word, times)
			}
		}
		if len(seen) != n {
			t.Errorf("%d of %d orders were sent", len(seen), n)
		}
	})
}

func TestWhoIsRestrictedIsNotInTheFeed(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		s.recipient(disclose.OrderFeed, orderFields)
		ada := s.Person(t)
		s.buys(ada, s.Now())
		s.must(s.Core.Write(t.Context(), func(tx *sqldb.Tx) error { return s.Subjects.SetRestricted(t.Context(), tx, ada, true) }))
		if done := s.runs(); done.Refused != 1 || done.People != 0 || len(s.got) != 0 {
			t.Errorf("got %+v, %d messages", done, len(s.got))
		}
	})
}

func TestAFeedWithoutAnAgreementWaitsAndTheOthersRun(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		blocked := s.recipient(disclose.OrderFeed, orderFields)
		s.recipient(disclose.OrderFeed, orderFields)
		s.buys(s.Person(t), s.Now())
		s.must(s.store.Suspend(t.Context(), blocked, "ada", "they had a breach"))
		if done := s.runs(); done.Blocked != 1 || done.Messages != 1 {
			t.Errorf("got %+v", done)
		}
		s.must(s.store.Resume(t.Context(), blocked, "ada", "it was mended there"))
		if done := s.runs(); done.Blocked != 0 || done.Messages != 1 {
			t.Errorf("taken up again it sends %+v", done)
		}
	})
}

func TestTheCatalogueGoesWhenItHasChanged(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		s.recipient(disclose.CatalogueFeed, productFields)
		put := func(price int64) {
			s.must(s.Core.Write(t.Context(), func(tx *sqldb.Tx) error {
				return s.goods.Upsert(t.Context(), tx, []catalog.Product{
					{ID: "85123A", Name: "White hanging heart", Kind: catalog.Goods, Price: thimble.Money{Minor: price, Currency: "GBP"}, UpdatedAt: s.Tick(t)},
					{ID: "71053", Name: "Lantern", Kind: catalog.Goods, Price: thimble.Money{Minor: 339, Currency: "GBP"}, UpdatedAt: s.Now()}})
			}))
		}
		put(255)
		if done := s.runs(); done.Messages != 1 || done.People != 0 {
			t.Fatalf("got %+v", done)
		}
		golden(t, "catalogue.jsonl", s.got[0])
		if done := s.runs(); done.Messages != 0 {
			t.Errorf("unchanged it sends %+v", done)
		}
		put(275)
		if done := s.runs(); done.Messages != 1 || !strings.Contains(s.got[1], "275") {
			t.Errorf("changed it sends %+v", done)
		}
		leaves := 0
		for claim, err := range s.store.Claims(t.Context()) {
			s.must(errors.Join(err, claim.Err))
			if claim.Table == "disclose_messages" {
				leaves++
			}
		}
		if leaves != 2 {
			t.Errorf("%d leaves for two messages about nobody", leaves)
		}
	})
}
