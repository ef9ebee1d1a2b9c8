package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"thimble"
	"thimble/internal/job"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/order"
	"thimble/internal/policy"
	"thimble/internal/retention"
	"thimble/internal/retention/retentiondb"
	"thimble/internal/retention/retentionweb"
	"thimble/internal/rights"
	"thimble/internal/sqldb"
)

// RetentionJob is the kind of the job that has expire what is due.
const RetentionJob = "retention.run"

// retentionSchedule looks four times a day: a category that has run is left alone until
// the next day, and one that failed is made up for.
var retentionSchedule = job.Schedule{Name: RetentionJob, Kind: RetentionJob, Every: 6 * time.Hour, Jitter: 10 * time.Minute}

// openRetention opens what keeps schedules, holds and runs.
func (a *App) openRetention(now func() time.Time) {
	a.Retention = retentiondb.New(a.Core, a.Ledger, a.Subjects, retentiondb.Config{
		Now: now, Log: a.Log, Law: a.lawsOfRetention, Expire: a.expire, Erasing: a.Requests.Erasing, Events: a.Timeline, Clocks: a.Clocks(), Teller: warner{a},
		Epoch: func(ctx context.Context) (int64, error) { return ledgerdb.Epoch(ctx, a.Core) },
		Erase: func(ctx context.Context, who thimble.SubjectID) error {
			_, err := a.Desk.Erase(ctx, who)
			return err
		},
		Narrowed: func(ctx context.Context, tx *sqldb.Tx) error {
			return a.Jobs.Add(ctx, tx, job.Job{Kind: TrainJob, Payload: `{"reason":"what may be learned from has changed"}`, Dedupe: TrainJob})
		},
		Ask: func(ctx context.Context, tx *sqldb.Tx) error {
			return a.Jobs.Add(ctx, tx, job.Job{Kind: RetentionJob, Dedupe: RetentionJob})
		},
		Key: func(ctx context.Context) ([]byte, error) { return a.Vault.Secret(ctx, "retention-proofs", 32) },
		Reads: func(ctx context.Context) (all []retentiondb.Read, since time.Time, err error) {
			reads, since, err := a.Uses.Reads(ctx)
			for _, r := range reads {
				all = append(all, retentiondb.Read(r))
			}
			return all, since, err
		},
	})
}

// lawsOfRetention are the rules of every law that applies to anybody who is on file, to
// people of whom nothing is known, and to the shop.
func (a *App) lawsOfRetention(ctx context.Context) ([]retention.Rule, error) {
	census, err := a.Laws.People(ctx)
	if err != nil && !errors.Is(err, thimble.ErrNotFound) { // nobody was counted yet
		return nil, err
	}
	at := a.Config.clock()()
	nobody, err := a.Laws.Regime().Law(policy.Question{At: at})
	if err != nil {
		return nil, err
	}
	var lives []policy.Residence
	for _, g := range census.All {
		for _, place := range g.Places {
			lives = append(lives, policy.Residence{Place: place, Evidence: policy.Declared})
		}
	}
	all, err := a.Laws.Regime().Law(policy.Question{At: at, Residences: lives})
	if err != nil {
		return nil, err
	}
	return retention.OfLaw(policy.Join(nobody, all)), nil
}

// expire has the desk destroy what is older, and says what each holder did.
func (a *App) expire(ctx context.Context, c thimble.Category, before time.Time) (done retentiondb.Expired, err error) {
	report, err := a.Desk.Expire(ctx, c, before)
	if err != nil {
		return done, err
	}
	done.Request = report.Request
	for _, line := range report.Holders {
		done.Holders = append(done.Holders, retention.Count{Of: line.Holder, N: int64(line.Count)})
		for _, k := range line.Kept {
			done.Kept = append(done.Kept, retention.Kept{Holder: line.Holder, What: k.What, Law: k.Law, N: int64(k.Count)})
		}
	}
	return done, nil
}

// ExpireDue runs what is due. With a clock that something contradicts nothing expires:
// what a wrong clock destroys does not come back.
func (a *App) ExpireDue(ctx context.Context) ([]retention.Run, error) {
	off, says, err := a.ClockOff(ctx)
	if err != nil {
		return nil, err
	}
	if off != 0 {
		a.Log.WarnContext(ctx, "nothing expires while the clock is wrong", slog.Duration("ahead", off.Round(time.Minute)), slog.String("says", says))
		return nil, nil
	}
	return a.Retention.Daily(ctx)
}

func (a *App) expireDue(ctx context.Context, _ job.Job) error {
	done, err := a.ExpireDue(ctx)
	for _, r := range done {
		a.Log.InfoContext(ctx, "a category expired", slog.String("category", string(r.Category)), slog.String("state", string(r.State)), slog.Int64("entries", retention.Sum(r.Proof.Listed)))
	}
	return err
}

// heldBack is what the desk asks about holds.
type heldBack struct{ *retentiondb.Store }

var _ rights.Holds = heldBack{}

// usableOrders are the orders that may be used for a purpose: what is older is kept for a
// law, if at all.
type usableOrders struct {
	wholeOrders
	since func() time.Time
}

// Of returns a person's orders, the newest first.
func (u usableOrders) Of(ctx context.Context, who thimble.SubjectID, limit int) ([]order.Sealed, error) {
	all, err := u.wholeOrders.Of(ctx, who, limit)
	since := u.since()
	for i, o := range all {
		if o.PlacedAt.Before(since) {
			return all[:i], err // the newest come first
		}
	}
	return all, err
}

func (a *App) usableOrders(p thimble.Purpose) usableOrders {
	return usableOrders{a.wholeOrders(), func() time.Time { return a.Retention.UsableSince(thimble.PurchaseHistory, p) }}
}

// retentionPages are the staff's pages of retention and holds.
func (d *doors) retentionPages() retentionweb.Deps {
	return retentionweb.Deps{Store: d.Retention, Receipts: d.Ledger, Now: d.Config.clock()}
}
