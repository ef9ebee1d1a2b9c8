package casesdb

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/policy"
	"thimble/internal/rights"
	"thimble/internal/rights/cases"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

// A Ledger queues leaves in the caller's transaction.
type Ledger interface {
	Queue(ctx context.Context, tx *sqldb.Tx, e ledger.Entry) (ledger.Opening, error)
}

// A Vault seals words for their person, and opens them for the person's archive.
type Vault interface {
	thimble.Sealer
	ledger.Opener
}

// Subjects knows who exists and who is one person; *subjectdb.Store does.
type Subjects interface {
	Alive(ctx context.Context, tx *sqldb.Tx, s thimble.SubjectID) (epoch int64, err error)
	PersonTx(ctx context.Context, tx *sqldb.Tx, s thimble.SubjectID) (subject.Person, error)
}

// Requests keep what the rights desk executes; *rightsdb.Store does.
type Requests interface {
	BeginTx(ctx context.Context, tx *sqldb.Tx, r rights.Request) (rights.Request, error)
	GetTx(ctx context.Context, tx *sqldb.Tx, id thimble.ID) (rights.Request, error)
}

// Letters keep that a step owes its person a letter; *lettersdb.Store does.
type Letters interface {
	OweTx(ctx context.Context, tx *sqldb.Tx, c cases.Case, e cases.Event) error
}

// Config is what a store needs to know of the rest.
type Config struct {
	// Dates are the dates by the law of somebody at an instant; of nobody, by the strict
	// one.
	Dates func(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID, at time.Time) (cases.Dates, error)
	// Confirms says by when somebody is to be told that a request came; of nobody, by the
	// strict law. Nil: no law asks for it.
	Confirms func(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID, k cases.Kind, at time.Time) (cases.Receipt, error)
	// Mailed is when the newest e-mail address of somebody was added; zero for never.
	Mailed func(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID) (time.Time, error)
	// Proves holds what is said to fulfil a case against its record: a review that was
	// answered, or a decision, of one of the members. Nil: nothing does.
	Proves func(ctx context.Context, verb cases.Verb, members []thimble.SubjectID, ref string) error
	Now    func() time.Time
}

// Cooling is how long what cannot be undone, or shows everything, waits after an e-mail
// address was added: whoever took over an account has then the address to themselves.
const Cooling = 3 * 24 * time.Hour

// A Store keeps cases. It is a thimble.Holder.
type Store struct {
	thimble.Static

	db    *sqldb.DB
	parts Parts
	cfg   Config
}

// Parts are what a store stands on.
type Parts struct {
	Ledger   Ledger
	Vault    Vault
	Subjects Subjects
	Requests Requests
	Systems  Systems // nil: none is stated
	Letters  Letters // nil: nobody is written to
}

// New returns the store of a core database.
func New(db *sqldb.DB, p Parts, cfg Config) *Store {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Store{db: db, parts: p, cfg: cfg}
}

// Asked is a request that came in.
type Asked struct {
	Subject thimble.SubjectID // zero: nobody is known by what was said
	Kind    cases.Kind
	Via     cases.Via
	Purpose thimble.Purpose // of an objection or a withdrawal
	Proof   cases.Proof     // how it was shown who asks; empty: not yet
	By      string          // a word of package cases
	Staff   string
	Words   thimble.Personal[string]
	Fix     thimble.Personal[*cases.Fix] // the value that a correction is about; nil: in words only
	Agency  cases.Agency                 // of a registered agent
	// Limit has the use of everything limited while the value is looked at.
	Limit bool
}

// fix is what a request corrects; nil for nothing.
func (a Asked) fix() *cases.Fix { return a.Fix.Reveal() } // to seal it

// Open keeps a request that came in. When the same is asked already and not answered, it
// returns that. Nothing is looked up about who it is for while it is not known who asks:
// what comes from a system costs the same whether anybody is known or not.
func (s *Store) Open(ctx context.Context, a Asked) (c cases.Case, err error) {
	ends, err := a.Kind.Ends(a.Purpose)
	if err != nil {
		return c, err
	}
	if err := cases.CheckText(a.Words.Reveal()); err != nil { // to measure it
		return c, err
	}
	if a.fix() != nil && (!a.Kind.Fixable() || a.Via.Unseen()) {
		return c, fmt.Errorf("cases: opening one: a value can be corrected by a correction alone: %w", thimble.ErrInvalid)
	}
	id, err := thimble.NewID(nil)
	if err != nil {
		return c, err
	}
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		c, err = s.open(ctx, tx, id, a, ends)
		return err
	})
	if err != nil {
		return c, fmt.Errorf("cases: opening one: %w", err)
	}
	return c, nil
}

// OpenTx is Open in the caller's transaction.
func (s *Store) OpenTx(ctx context.Context, tx *sqldb.Tx, a Asked) (c cases.Case, err error) {
	ends, err := a.Kind.Ends(a.Purpose)
	if err == nil {
		err = cases.CheckText(a.Words.Reveal()) // to measure it
	}
	if err != nil {
		return c, err
	}
	id, err := thimble.NewID(nil)
	if err != nil {
		return c, err
	}
	return s.open(ctx, tx, id, a, ends)
}

func (s *Store) open(ctx context.Context, tx *sqldb.Tx, id thimble.ID, a Asked, ends []thimble.Purpose) (c cases.Case, err error) {
	if _, err := s.parts.Subjects.Alive(ctx, tx, a.Subject); err != nil && (!a.Via.Unseen() || !errors.Is(err, thimble.ErrNotFound)) {
		return c, err
	}
	about := ""
	if f := a.fix(); f != nil {
		about = f.About()
	}
	old, known, err := again(ctx, tx, a, ends, about)
	if err != nil {
		return c, err
	}
	if known {
		err := s.limitAgain(ctx, tx, a, &old)
		return old, err
	}
	at := s.cfg.Now()
	unplaced := a.Via.Unseen()
	of := a.Subject
	if unplaced {
		of = thimble.SubjectID{}
	}
	dates, err := s.cfg.Dates(ctx, tx, of, at)
	if err != nil {
		return c, err
	}
	if c, err = cases.Open(a.Kind, a.Via, ends, at, dates); err != nil {
		return c, err
	}
	if s.cfg.Confirms != nil {
		if c.Receipt, err = s.cfg.Confirms(ctx, tx, of, a.Kind, c.At); err != nil {
			return c, err
		}
	}
	c.Receipt = c.Receipt.Confirmed(a.Via, c.At)
	c.ID, c.Subject, c.Unplaced, c.Fix, c.Agency = id, a.Subject, unplaced, about, a.Agency
	if err := s.limits(ctx, tx, a, &c); err != nil {
		return c, err
	}
	if err := s.insert(ctx, tx, c); err != nil {
		return c, err
	}
	e := cases.Event{What: cases.Opened, At: at, By: a.By, Staff: a.Staff}
	if err := s.step(ctx, tx, c, e, a.Words, a.fix()); err != nil {
		return c, err
	}
	if !c.NeedsProof() && a.Via == cases.Registered {
		e = cases.Event{What: cases.Permitted, At: at, By: cases.TheAgent, Authority: cases.Signed}
		return s.next(ctx, tx, c, e, thimble.Hide(""))
	}
	if !c.NeedsProof() {
		return c, nil
	}
	e = cases.Event{What: cases.Asked, At: at, By: cases.TheProgram}
	if a.Proof != "" {
		e = cases.Event{What: cases.Proved, At: at, By: a.By, Staff: a.Staff, Proof: a.Proof}
	}
	return s.next(ctx, tx, c, e, thimble.Hide(""))
}

// again is the case of a person in which the same is asked already, and not answered.
func again(ctx context.Context, tx *sqldb.Tx, a Asked, ends []thimble.Purpose, about string) (old cases.Case, found bool, err error) {
	same, err := list(ctx, tx, `where subject_id = $1 and kind = $2 and closed_at is null order by at, id`, a.Subject, string(a.Kind))
	for _, old := range same {
		if slices.Equal(old.Ends, ends) && old.Fix == about && repeats(old, a) {
			return old, true, nil
		}
	}
	return old, false, err
}

// repeats reports whether a request may be told to be one that came before. A system is not
// told: that would say that somebody is known. What somebody else asked, and nobody has shown
// to be theirs, does not stand in the way of who is shown to be the person.
func repeats(old cases.Case, a Asked) bool {
	return !a.Via.Unseen() && !(old.Via.Unseen() && old.State == cases.Awaiting)
}

// next lets something happen to a case, and keeps it with its leaf.
func (s *Store) next(ctx context.Context, tx *sqldb.Tx, c cases.Case, e cases.Event, words thimble.Personal[string]) (cases.Case, error) {
	if e.At.IsZero() {
		e.At = s.cfg.Now()
	}
	e.Said = words.Reveal() != "" // whether there are any
	if e.What == cases.Proved {
		if err := s.known(ctx, tx, &c); err != nil {
			return c, err
		}
	}
	n, err := c.Next(e, s.datesOf(ctx, tx, c, e))
	if err != nil {
		return c, err
	}
	if e.What == cases.Proved {
		n.Unplaced = false
	}
	if err := s.update(ctx, tx, n); err != nil {
		return c, err
	}
	if e.What == cases.Told {
		if err := confirmed(ctx, tx, n.ID, n.Receipt.At); err != nil {
			return c, err
		}
	}
	off := slices.Contains([]cases.What{cases.Returned, cases.Withdrawn, cases.Gone}, e.What)
	if c.Tasks > 0 && (off || n.State.Final()) {
		if err := s.parts.Systems.EndTx(ctx, tx, c.ID, off); err != nil {
			return c, err
		}
	}
	return n, s.step(ctx, tx, n, e, words, nil)
}

// known looks up what counts once it is known who asks.
func (s *Store) known(ctx context.Context, tx *sqldb.Tx, c *cases.Case) error {
	if c.Subject.IsZero() || s.cfg.Mailed == nil {
		return nil
	}
	nature, err := cases.NatureOf(c.Kind)
	if err != nil || !nature.Cools {
		return err
	}
	until, err := s.cools(ctx, tx, c.Subject)
	if err == nil && !until.IsZero() {
		c.Cools = until
	}
	return err
}

// cools returns until when somebody waits; zero when they do not.
func (s *Store) cools(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID) (until time.Time, err error) {
	added, err := s.cfg.Mailed(ctx, tx, who)
	if err == nil && !added.IsZero() && added.Add(Cooling).After(s.cfg.Now()) {
		until = added.Add(Cooling)
	}
	return until, err
}

// Waits returns [rights.ErrWaits] when what shows everything waits for somebody, because an
// e-mail address was added lately.
func (s *Store) Waits(ctx context.Context, who thimble.SubjectID) error {
	if s.cfg.Mailed == nil {
		return nil
	}
	var until time.Time
	err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		until, err = s.cools(ctx, tx, who)
		return err
	})
	if err != nil {
		return fmt.Errorf("cases: asking whether somebody waits: %w", err)
	}
	if !until.IsZero() {
		return rights.ErrWaits
	}
	return nil
}

// datesOf are the dates of a case: by the law of when its clock began, of who it is for,
// or the strict one as long as nobody has shown who asks. The law is looked up when a
// date is asked for.
func (s *Store) datesOf(ctx context.Context, tx *sqldb.Tx, c cases.Case, e cases.Event) cases.Dates {
	of, at := c.Subject, c.From
	if c.Unplaced && e.What != cases.Proved {
		of = thimble.SubjectID{}
	}
	if e.What == cases.WasAppealed || e.What == cases.Overturned {
		at = e.At
	}
	return func(k cases.Kind, appeal bool, from time.Time, h policy.History) (cases.Due, error) {
		dates, err := s.cfg.Dates(ctx, tx, of, at)
		if err != nil {
			return cases.Due{}, err
		}
		return dates(k, appeal, from, h)
	}
}

// step keeps the newest step of a case with its leaf, and seals what was written.
func (s *Store) step(ctx context.Context, tx *sqldb.Tx, c cases.Case, e cases.Event, said thimble.Personal[string], fix *cases.Fix) error {
	step := cases.StepOf(c, e)
	var sealed []byte
	if text := said.Reveal(); (text != "" || fix != nil) && !c.Subject.IsZero() { // to seal it
		w := cases.Words{Text: text, Key: make([]byte, 32), Fix: fix}
		if _, err := rand.Read(w.Key); err != nil {
			return fmt.Errorf("cases: drawing a key: %w", err)
		}
		step.Words = w.Hash()
		plain, err := w.Bytes()
		if err != nil {
			return err
		}
		if sealed, err = s.parts.Vault.Seal(ctx, wordsCell(c.Subject, c.ID, c.Steps), plain); err != nil {
			return err
		}
	}
	record, err := step.Marshal()
	if err != nil {
		return err
	}
	opening, err := s.parts.Ledger.Queue(ctx, tx, ledger.Entry{Class: ledger.Request, At: step.At, Record: record})
	if err != nil {
		return err
	}
	kept, err := opening.MarshalBinary() // words of the program, dates and hashes: nothing to seal
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `insert into cases_steps (case_id, n, what, at, staff, opening, words) values ($1, $2, $3, $4, $5, $6, $7)`,
		c.ID, c.Steps, string(e.What), step.At.UnixMicro(), e.Staff, kept, sealed)
	if err != nil || s.parts.Letters == nil {
		return err
	}
	return s.parts.Letters.OweTx(ctx, tx, c, e)
}

func wordsCell(who thimble.SubjectID, id thimble.ID, n int) thimble.Cell {
	return thimble.Cell{Owner: who, Table: "cases_steps", Column: "words", Row: append(id[:], byte(n>>8), byte(n)), Category: thimble.PrivacyPreferences}
}
