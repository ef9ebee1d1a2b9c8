package app

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"sync"

	"thimble"
	"thimble/internal/app/onlineretail"
	"thimble/internal/collect"
	"thimble/internal/consent"
	"thimble/internal/consent/consentdb"
	"thimble/internal/gate"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

// DemoRule states how the demo assigns consents. The page shows these words.
const DemoRule = `The data set says nothing about consent, so the demo assigns it: the first byte of SHA-256("thimble demo consent " + account number), modulo 10. 0 to 5: both purposes are allowed. 6 and 7: recommendations only. 8: learning only. 9: both are refused.`

// demoChoices applies the rule to an account number.
func demoChoices(account string) []consent.Choice {
	h := sha256.Sum256([]byte("thimble demo consent " + account))
	n := h[0] % 10
	state := func(yes bool) consent.State {
		if yes {
			return consent.Given
		}
		return consent.Refused
	}
	return []consent.Choice{
		{Purpose: thimble.PersonalizeContent, State: state(n <= 7)},
		{Purpose: thimble.TrainAISystem, State: state(n <= 5 || n == 8)},
	}
}

// A Teller tells the operator what happens: progress bars on a terminal, plain
// lines elsewhere.
type Teller interface {
	Say(format string, args ...any)
	// Begin starts a step of so many units and returns how to move and end it.
	Begin(what string, total int64) (move func(done int64), end func())
}

// A DemoCustomer is an account of the data set that a visitor of the demo can be.
type DemoCustomer struct {
	Account string
	Note    string
	Subject thimble.SubjectID
}

// SeedDemo imports the orders, assigns the consents and trains, each only if it
// was not done before. It can be killed and started again at any moment.
func (a *App) SeedDemo(ctx context.Context, orders collect.Source, tell Teller) error {
	// Nobody serves yet. On a slow machine what is queued by the import would wait for longer
	// than a ledger may, and nothing could be learned from.
	sequence, stop := context.WithCancel(ctx)
	var sequencer sync.WaitGroup
	defer sequencer.Wait()
	defer stop()
	sequencer.Go(func() { _ = a.Ledger.Run(sequence) })
	if err := a.importDemo(ctx, orders, tell); err != nil {
		return err
	}
	if err := a.demoSources(ctx, tell); err != nil {
		return err
	}
	err := a.assignConsents(ctx, tell)
	if err != nil {
		return err
	}
	if v, ok := a.Shop.Version(); ok {
		tell.Say("Model %d serves: learned from %d people and %d products.", v.Number, v.Card.Data.People, v.Card.Data.Items)
		return nil
	}
	// The consents have queued a training; it is done now rather than after the start.
	move, end := tell.Begin("Training", 0)
	a.progress = func(done, total int) { move(int64(done) * 1000 / int64(max(total, 1))) }
	for worked := true; worked && err == nil; {
		worked, err = a.Jobs.Step(ctx)
	}
	a.progress = nil
	end()
	v, ok := a.Shop.Version()
	if err != nil || !ok {
		return errors.Join(err, errors.New("the first training did not succeed"))
	}
	tell.Say("Model %d: learned from %d people, %d products and %d purchases in %.1f s; hash %x…", v.Number, v.Card.Data.People, v.Card.Data.Items, v.Card.Data.Interactions, v.Took.Seconds(), v.Hash[:6])
	return nil
}

// DemoOrders are the real orders that come with the demo.
func DemoOrders() collect.Source {
	return collect.Source{Name: onlineretail.Name, Open: onlineretail.Open}
}

func (a *App) importDemo(ctx context.Context, orders collect.Source, tell Teller) error {
	imports, err := a.Imports.Imports(ctx)
	if err != nil {
		return err
	}
	for _, i := range imports {
		if i.Name == orders.Name && i.Finished {
			tell.Say("Orders are imported: %d orders, %d returns.", i.Counts.Orders, i.Counts.Returns)
			return nil
		}
	}
	move, end := tell.Begin("Importing orders", 0)
	r, err := a.ImportOrders(ctx, orders, collect.Options{Progress: func(p collect.Progress) {
		move(p.Bytes * 1000 / max(p.Total, 1))
	}})
	end()
	if err != nil {
		return err
	}
	tell.Say("Imported %d rows: %d orders and %d returns of %d customers; %d rows rejected, listed under Imports in the console.", r.Rows, r.Orders, r.Returns, r.Subjects, r.Rejected)
	return nil
}

var demoHow = consentdb.How{
	Notice: consent.Current(),
	UI:     consent.UI{Component: "demo-rule"},
	By:     consent.By{Actor: "demo-rule", Auth: "none"},
}

// assignConsents records the rule's choices for everyone who has made none.
func (a *App) assignConsents(ctx context.Context, tell Teller) error {
	total, err := a.Subjects.Count(ctx)
	if err != nil {
		return err
	}
	asked := 0
	counts, err := a.Consent.Counts(ctx, thimble.TrainAISystem)
	if err != nil {
		return err
	}
	for _, n := range counts {
		asked += n
	}
	if asked >= total {
		tell.Say("Consents are assigned: %d customers.", total)
		return nil
	}
	move, end := tell.Begin("Assigning consents by the demo's rule", int64(total))
	defer end()
	var after thimble.SubjectID
	for done := 0; ; {
		page, err := a.Subjects.Page(ctx, after, 500)
		if err != nil || len(page) == 0 {
			return err
		}
		if err := a.assignPage(ctx, page); err != nil {
			return err
		}
		done += len(page)
		move(int64(done))
		after = page[len(page)-1]
	}
}

func (a *App) assignPage(ctx context.Context, page []thimble.SubjectID) error {
	accounts := make([]string, len(page))
	for i, s := range page {
		account, err := a.account(ctx, s)
		if err != nil {
			return err
		}
		accounts[i] = account
	}
	return a.Core.Write(ctx, func(tx *sqldb.Tx) error {
		for i, s := range page {
			st := consent.Standing{Purpose: thimble.TrainAISystem}
			if err := a.Consent.StandingTx(ctx, tx, s, &st); err != nil || st.State != "" || accounts[i] == "" {
				if err != nil {
					return err
				}
				continue // has chosen, or has no account to apply the rule to
			}
			if _, err := a.Consent.RecordTx(ctx, tx, s, demoChoices(accounts[i]), demoHow); err != nil {
				return err
			}
		}
		return nil
	})
}

// account opens the account number of a person, for the demo's rule and labels.
func (a *App) account(ctx context.Context, s thimble.SubjectID) (string, error) {
	grant, err := a.Gate.Open(ctx, gate.Request{
		Actor: gate.Actor{Kind: gate.Machine, Name: "demo"}, Subject: s,
		Purpose: thimble.EssentialService, Categories: []thimble.Category{subject.Account.Category()},
	})
	if err != nil {
		return "", err
	}
	ids, err := a.Subjects.Identifiers(ctx, s)
	if err != nil {
		return "", err
	}
	for _, id := range ids {
		if id.Kind == subject.Account {
			plain, err := grant.Open(ctx, id.Cell, id.Sealed)
			// The account numbers of the public data set are the labels of its demo.
			return string(plain), err
		}
	}
	return "", nil
}

// demoAccounts are accounts of the data set that show the cases of the rule.
var demoAccounts = []string{"14606", "12748", "17850", "14096", "17841", "12583"}

// DemoCustomers returns accounts that a visitor of the demo can be, with what the
// rule assigned to them. Who was forgotten is not among them.
func (a *App) DemoCustomers(ctx context.Context) ([]DemoCustomer, error) {
	var all []DemoCustomer
	for _, account := range demoAccounts {
		id, err := subject.NewIdentifier(subject.Account, account)
		if err != nil {
			return nil, err
		}
		s, err := a.Subjects.Find(ctx, id)
		if errors.Is(err, thimble.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, DemoCustomer{Account: account, Note: demoNote(account), Subject: s})
	}
	// Who allows it comes first, so that the first click shows a personal list.
	slices.SortStableFunc(all, func(x, y DemoCustomer) int { return rank(y.Account) - rank(x.Account) })
	return all, nil
}

func rank(account string) (n int) {
	for i, c := range demoChoices(account) {
		if c.State.Permits() {
			n += 2 - i
		}
	}
	return n
}

func demoNote(account string) string {
	switch c := demoChoices(account); {
	case c[0].State.Permits() && c[1].State.Permits():
		return "The rule allowed both purposes."
	case c[0].State.Permits():
		return "The rule allowed recommendations, not learning."
	case c[1].State.Permits():
		return "The rule allowed learning, not recommendations."
	}
	return "The rule refused both purposes."
}
