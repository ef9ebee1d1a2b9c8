package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/datamap"
	"thimble/internal/gate"
	"thimble/internal/job"
	"thimble/internal/policy"
	"thimble/internal/policy/policydb"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

// Library returns the packs that ship with this version and those of the operator's
// folder. Seen are the versions that were here before. A pack that cannot be taken
// refuses all: none is left out in silence.
func (c *Config) Library(seen map[string]string) (*policy.Library, error) {
	trust := policy.Trust{Keys: strings.Fields(c.PackKeys), Hashes: strings.FieldsFunc(c.PackHashes, func(r rune) bool { return r == ',' || r == ' ' }), Seen: seen}
	var files []policy.File
	if c.Packs != "" {
		var err error
		if files, err = policy.ReadFolder(os.DirFS(c.Packs), c.Packs); err != nil {
			return nil, fmt.Errorf("configuration: packs (from %s): %w", c.sources["packs"], err)
		}
	}
	l, err := policy.Load(trust, files...)
	if err != nil && c.Packs != "" {
		return nil, fmt.Errorf("configuration: packs (from %s): correct the file, or move it out of the folder: %w", c.sources["packs"], err)
	}
	return l, err
}

// Shop is what the configuration tells of the shop.
func (c *Config) Shop() (policy.Shop, error) {
	s, err := policy.ParseShop(c.Establishment, c.Facts)
	if err != nil {
		return s, fmt.Errorf("configuration: %w", err)
	}
	return s, nil
}

// openLaws loads the packs, and what of older ones still applies.
func (k *Kernel) openLaws(ctx context.Context, cfg Config) error {
	seen, err := policydb.Seen(ctx, k.Core)
	if err != nil {
		return err
	}
	library, err := cfg.Library(seen)
	if err != nil {
		return err
	}
	shop, err := cfg.Shop()
	if err != nil {
		return err
	}
	if k.Laws, err = policydb.Open(ctx, k.Core, k.Ledger, library, shop, cfg.clock()); err != nil {
		return err
	}
	// Everybody may be judged by another law: what hangs on the old verdicts ends.
	k.Laws.OnChange(func(tx *sqldb.Tx) { k.Node.Moving(tx, thimble.SubjectID{}) })
	return nil
}

// Flows are the uses of data that the installation declares: by the map of data, and
// by what capabilities do without consent.
func (a *App) Flows() []policy.Flow {
	all := policy.Flows(datamap.All())
	named := map[string]bool{}
	for _, f := range all {
		named[f.Name] = true
	}
	for _, w := range a.Without() {
		if name := w.Capability + ": " + string(w.Purpose); !named[name] {
			named[name] = true
			all = append(all, policy.Flow{Name: name, Purpose: w.Purpose})
		}
	}
	return all
}

// LawJob is the kind of the job that holds the law of today against the newest
// recorded, and CountJob that of the one that counts who lives where.
const (
	LawJob   = "policy.advance"
	CountJob = "policy.count"
)

var lawSchedules = []job.Schedule{
	{Name: LawJob, Kind: LawJob, Every: time.Hour, Jitter: time.Minute},
	{Name: CountJob, Kind: CountJob, Every: 24 * time.Hour, Jitter: time.Hour},
}

// advanceLaw records a change of the law that applies.
func (a *App) advanceLaw(ctx context.Context) error {
	changed, err := a.Laws.Advance(ctx)
	if changed {
		pending, _ := a.Laws.Regime().Pending(a.Laws.Today()) // it was computed a moment ago
		a.Log.InfoContext(ctx, "the law that applies was recorded", slog.Int("waiting", len(pending)))
	}
	return err
}

func (a *App) lawJob(ctx context.Context, _ job.Job) error { return a.advanceLaw(ctx) }

func (a *App) countJob(ctx context.Context, _ job.Job) error {
	c, err := a.CountPeople(ctx)
	if err == nil {
		a.Log.InfoContext(ctx, "people counted by residence", slog.Int("groups", len(c.All)))
	}
	return err
}

// AskCount queues a count of people.
func (a *App) AskCount(ctx context.Context) error {
	return a.Core.Write(ctx, func(tx *sqldb.Tx) error { return a.Jobs.Add(ctx, tx, job.Job{Kind: CountJob, Dedupe: CountJob}) })
}

// CountPeople counts the people on file by residence, age and what they permit, and
// keeps the counts. Each look at a residence is a use under a legal obligation (GDPR
// Art. 24: which law applies to whom), judged by the gate and counted in the use log.
func (a *App) CountPeople(ctx context.Context) (policydb.Census, error) {
	c := census{app: a, at: a.Config.clock()(), groups: map[string]*policy.Group{}}
	var after thimble.SubjectID
	for {
		page, err := a.Subjects.Page(ctx, after, censusPage)
		if err != nil {
			return policydb.Census{}, err
		}
		if len(page) == 0 {
			break
		}
		permits, err := c.permitting(ctx, after, page[len(page)-1])
		if err != nil {
			return policydb.Census{}, err
		}
		for _, who := range page {
			if err := c.count(ctx, who, permits[who]); err != nil {
				return policydb.Census{}, err
			}
		}
		after = page[len(page)-1]
	}
	all := make([]policy.Group, 0, len(c.groups))
	for _, g := range c.groups {
		all = append(all, *g)
	}
	if err := a.Laws.KeepPeople(ctx, all); err != nil {
		return policydb.Census{}, err
	}
	return policydb.Census{At: c.at, All: all}, nil
}

const censusPage = 500

type census struct {
	app    *App
	at     time.Time
	groups map[string]*policy.Group
}

// permitting returns what each subject after one up to another permits, of what
// people are asked. Nothing is opened for it.
func (c *census) permitting(ctx context.Context, after, last thimble.SubjectID) (map[thimble.SubjectID][]thimble.Purpose, error) {
	permits := map[thimble.SubjectID][]thimble.Purpose{}
	for _, ask := range consent.Asked {
		for from := after; ; {
			some, err := c.app.Consent.Permitting(ctx, ask.Purpose, c.at, from, censusPage)
			if err != nil {
				return nil, err
			}
			for _, who := range some {
				permits[who] = append(permits[who], ask.Purpose)
			}
			if len(some) < censusPage || string(some[len(some)-1][:]) >= string(last[:]) {
				break
			}
			from = some[len(some)-1]
		}
	}
	return permits, nil
}

// count adds one person. Who was erased meanwhile is left out.
func (c *census) count(ctx context.Context, who thimble.SubjectID, permits []thimble.Purpose) error {
	grant, err := c.app.Gate.Open(ctx, gate.Request{
		Actor: gate.Actor{Kind: gate.Machine, Name: "policy"}, Subject: who, Purpose: thimble.LegalObligation,
		Categories: []thimble.Category{thimble.Country, subject.AgeCategory},
	})
	if errors.Is(err, thimble.ErrDenied) && !errors.Is(err, thimble.ErrUnavailable) {
		return nil
	}
	if err != nil {
		return err
	}
	g := policy.Group{Age: -1, Permits: permits, People: 1}
	age := subject.Age{State: subject.AgeAdult}
	for _, m := range grant.Members() {
		home, state, err := c.open(ctx, grant, m)
		if errors.Is(err, thimble.ErrDenied) && !errors.Is(err, thimble.ErrUnavailable) || errors.Is(err, thimble.ErrNotFound) {
			return nil // a choice or an erasure came between
		}
		if err != nil {
			return err
		}
		if evidenceOf(home.Evidence) != "" && subject.IsCountry(home.Country) {
			g.Places = append(g.Places, home.Country)
		}
		age = subject.Younger(age, state)
	}
	if age.Adult() {
		g.Age = adult // how old a minor is, is not kept: they count as of unknown age
	}
	c.add(g)
	return nil
}

// adult is the age of which a person counts who is known to be grown up.
const adult = 18

func (c *census) open(ctx context.Context, grant thimble.Grant, of thimble.SubjectID) (home subject.Residence, age subject.Age, err error) {
	sealed, err := c.app.Subjects.Residence(ctx, of)
	if err == nil {
		home, err = subject.OpenResidence(ctx, grant, of, sealed)
	}
	if err == nil {
		sealed, err = c.app.Subjects.Age(ctx, of)
	}
	if err == nil {
		age, err = subject.OpenAge(ctx, grant, of, sealed)
	}
	return home, age, err
}

func (c *census) add(g policy.Group) {
	slices.Sort(g.Places)
	g.Places = slices.Compact(g.Places)
	key := fmt.Sprint(g.Places, g.Age, g.Permits)
	if same := c.groups[key]; same != nil {
		same.People++
		return
	}
	c.groups[key] = &g
}

// packTitle is what a pack is called, by its id or its id and version; "" when there is none
// any more.
func (a *App) packTitle(ref string) string {
	id, _, _ := strings.Cut(ref, "@")
	p, err := a.Laws.Regime().Library().Pack(id)
	if err != nil {
		return ""
	}
	return p.Title
}
