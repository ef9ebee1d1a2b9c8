package apitest

import (
	"bytes"
	"context"
	"sync"
	"testing"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/consent/consentdb"
	"thimble/internal/decision/decisiondb"
	"thimble/internal/gate"
	"thimble/internal/gate/gatedb"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/policy"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/subject"
	"thimble/internal/subject/subjectdb"
	"thimble/internal/vault/vaulttest"
)

// A Kernel is real stores in a temporary folder, with a ledger at work.
type Kernel struct {
	t         testing.TB
	Core      *sqldb.DB
	Ledger    *ledgerdb.Log
	Subjects  *subjectdb.Store
	Consents  *consentdb.Store
	Uses      *gatedb.Log
	Gate      *gate.Gate
	Decisions *decisiondb.Store
	Pack      *policy.Pack
}

// NewKernel returns a kernel that stops with the test.
func NewKernel(t testing.TB) *Kernel {
	t.Helper()
	pack, err := policy.Baseline()
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ledger.NewSigner("shop.example/ledger", bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	k := &Kernel{t: t, Core: sqldbtest.SQLite(t, sqldb.Core), Pack: pack}
	v := vaulttest.SQLite(t)
	k.Ledger = ledgerdb.New(k.Core, signer, ledgerdb.Config{})
	moves := gate.NewMoves()
	node, err := gatedb.Join(context.Background(), k.Core, moves, gatedb.NodeConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = node.Close(context.Background()) }) // on SQLite there is nothing to fail
	k.Subjects = subjectdb.New(k.Core, v, subjectdb.Config{Opener: v, Ledger: k.Ledger, Moving: node.Moving})
	k.Consents = consentdb.New(k.Core, k.Ledger, v, k.Subjects, pack, nil)
	k.Uses = gatedb.New(k.Core, k.Ledger, v, gatedb.Config{})
	k.Gate = gate.New(k.Subjects, k.Consents, v, k.Uses, pack, moves, nil)
	k.Decisions = decisiondb.New(k.Core, k.Ledger, v, k.Subjects)
	ctx, stop := context.WithCancel(context.Background())
	var sequencer sync.WaitGroup
	sequencer.Go(func() { _ = k.Ledger.Run(ctx) })
	t.Cleanup(func() { stop(); sequencer.Wait() })
	return k
}

// Person makes a person with an account number.
func (k *Kernel) Person(account string) thimble.SubjectID {
	k.t.Helper()
	id, err := subject.NewIdentifier(subject.Account, account)
	if err != nil {
		k.t.Fatal(err)
	}
	drafts, err := k.Subjects.Draft(context.Background(), []subject.Identifier{id})
	if err == nil {
		err = k.Core.Write(context.Background(), func(tx *sqldb.Tx) error { return k.Subjects.Create(context.Background(), tx, drafts[0]) })
	}
	if err != nil {
		k.t.Fatal(err)
	}
	return drafts[0].ID
}

// Chooses records a person's choice.
func (k *Kernel) Chooses(who thimble.SubjectID, p thimble.Purpose, s consent.State) {
	k.t.Helper()
	_, err := k.Consents.Record(context.Background(), who, []consent.Choice{{Purpose: p, State: s}}, consentdb.How{Notice: consent.Current(), By: consent.By{Actor: "subject"}})
	if err != nil {
		k.t.Fatal(err)
	}
}

// UsesOf returns who used a person's data, as "client read-system essential…".
func (k *Kernel) UsesOf(who thimble.SubjectID) (all []string) {
	k.t.Helper()
	err := k.Uses.Flush(context.Background())
	if err != nil {
		k.t.Fatal(err)
	}
	uses, err := k.Uses.Of(context.Background(), who, 100)
	if err != nil {
		k.t.Fatal(err)
	}
	for _, u := range uses {
		all = append(all, string(u.Kind)+" "+u.Actor+" "+string(u.Purpose))
	}
	return all
}
