package holdertest

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/consent/consentdb"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/policy"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/subject"
	"thimble/internal/subject/subjectdb"
	"thimble/internal/vault"
	"thimble/internal/vault/vaulttest"
)

// A Kernel is what most stores of people's data stand on, with a clock that stands
// still.
type Kernel struct {
	Core, Keys *sqldb.DB
	*Clock
	Vault    *vault.Vault
	Ledger   *ledgerdb.Log
	Subjects *subjectdb.Store
	Pack     *policy.Pack
	Consent  *consentdb.Store

	people atomic.Int64
}

// Each runs f as a subtest per engine on a kernel of its own.
func Each(t *testing.T, f func(t *testing.T, k *Kernel)) {
	t.Helper()
	sqldbtest.Pair(t, func(t *testing.T, core, keys *sqldb.DB) { f(t, NewKernel(t, core, keys)) })
}

// NewKernel returns a kernel over two databases.
func NewKernel(tb testing.TB, core, keys *sqldb.DB) *Kernel {
	tb.Helper()
	k := &Kernel{Core: core, Keys: keys, Clock: NewClock(), Vault: vaulttest.New(tb, keys)}
	signer, err := ledger.NewSigner("thimble.local/log/holders", make([]byte, 32))
	if err != nil {
		tb.Fatal(err)
	}
	if k.Pack, err = policy.Baseline(); err != nil {
		tb.Fatal(err)
	}
	k.Ledger = ledgerdb.New(core, signer, ledgerdb.Config{})
	k.Subjects = subjectdb.New(core, k.Vault, subjectdb.Config{Opener: k.Vault, Now: k.Now})
	k.Consent = consentdb.New(core, k.Ledger, k.Vault, k.Subjects, k.Pack, k.Now)
	return k
}

// Person makes somebody with a key, an account and a residence.
func (k *Kernel) Person(tb testing.TB) thimble.SubjectID {
	tb.Helper()
	who, _ := k.Named(tb)
	return who
}

// Named is Person, and tells the account.
func (k *Kernel) Named(tb testing.TB) (thimble.SubjectID, string) {
	tb.Helper()
	ctx, account := context.Background(), fmt.Sprintf("account-%d-", k.people.Add(1))
	id, err := subject.NewIdentifier(subject.Account, account)
	if err != nil {
		tb.Fatal(err)
	}
	drafts, err := k.Subjects.Draft(ctx, []subject.Identifier{id})
	if err != nil {
		tb.Fatal(err)
	}
	if err := k.Core.Write(ctx, func(tx *sqldb.Tx) error { return k.Subjects.Create(ctx, tx, drafts[0]) }); err != nil {
		tb.Fatal(err)
	}
	return drafts[0].ID, account
}

// Chooses records choices of a person.
func (k *Kernel) Chooses(tb testing.TB, who thimble.SubjectID, choices ...consent.Choice) {
	tb.Helper()
	_, err := k.Consent.Record(context.Background(), who, choices, consentdb.How{Notice: consent.Current(), By: consent.By{Actor: "subject", Auth: "session"}})
	if err != nil {
		tb.Fatal(err)
	}
}
