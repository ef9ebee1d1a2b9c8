package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"thimble"
	"thimble/internal/collect"
	"thimble/internal/collect/collectdb"
	"thimble/internal/consent"
	"thimble/internal/gate"
	"thimble/internal/job"
	"thimble/internal/job/jobdb"
	"thimble/internal/recommend/lists"
	"thimble/internal/recommend/recommenddb"
	"thimble/internal/recommend/recommendweb"
	"thimble/internal/rights"
	"thimble/internal/rights/rightsdb"
	"thimble/internal/session/sessionweb"
	"thimble/internal/sqldb"
)

// An App is one installation: kernel, capabilities and doors.
type App struct {
	*Kernel
	Config   Config
	Log      *slog.Logger
	Versions *recommenddb.Store
	Shop     *lists.Shop
	Imports  *collectdb.Store
	Importer *collect.Importer
	Requests *rightsdb.Store
	Desk     *rights.Desk

	post      *sessionweb.Post // codes for customers; nil while nothing sends mail
	regroups  chan struct{}    // people were joined or parted, and the holders are to be told
	telemetry *Telemetry
	clock     *clockWatch
	progress  func(done, total int) // of the first training, for the one who waits
}

// TrainJob is the kind of the job that trains the recommender.
const TrainJob = recommendweb.TrainJob

// Open puts an installation together. Whoever holds the data folder's lock and is
// about to serve calls Recover next; a command that runs beside a server does not,
// since what it would take for left behind may be under way there.
func Open(ctx context.Context, cfg Config, log *slog.Logger) (*App, error) {
	a := &App{Config: cfg, Log: log, clock: newClockWatch(cfg.clock()), regroups: make(chan struct{}, 1)}
	var err error
	a.Kernel, err = openKernel(ctx, cfg, log, map[string]jobdb.Handler{TrainJob: a.train, AuditJob: a.audit, RotateJob: a.rotate, ReindexJob: a.reindex, LawJob: a.lawJob, CountJob: a.countJob})
	if err != nil {
		return nil, err
	}
	a.Gate.Obeys(staffRules{a})
	a.capabilities()
	a.telemetry, err = NewTelemetry(ctx, TelemetryConfig{Gauges: a.gauges(), Traces: cfg.Traces, Version: Version, Log: log})
	if err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

func (a *App) capabilities() {
	now := a.Config.clock()
	a.Versions = recommenddb.New(a.Core, a.Ledger)
	a.Shop = lists.New(lists.Deps{
		Gate: a.Gate, Orders: a.Orders, Catalog: a.Catalog, Decisions: a.Decisions,
		Versions: a.Versions, Files: a.Files, Log: a.Log, Now: now, Ask: a.askTraining,
	})
	a.Imports = collectdb.New(a.Core, collectdb.Parts{People: a.Subjects, Orders: a.Orders, Catalogue: a.Catalog}, now, nil)
	a.Importer = collect.New(a.Imports, a.Gate)
	a.Requests = rightsdb.New(a.Core, a.Ledger, a.Subjects, now)
	a.Desk = rights.NewDesk(a.Requests, keeper{a.Vault, a}, a.modelHash, a.Holders()...).With(rights.Config{People: a.Subjects, Snapshots: a.Core, Now: now})
	a.Subjects.OnRegroup(a.regrouped)
	// A change of the consent to training trains anew, in the transaction of the choice.
	a.Consent.OnChange(func(ctx context.Context, tx *sqldb.Tx, events []consent.Event) error {
		for _, e := range events {
			if e.Purpose == thimble.TrainAISystem {
				return a.Jobs.Add(ctx, tx, job.Job{Kind: TrainJob, Dedupe: TrainJob})
			}
		}
		return nil
	})
}

// Holders are all who keep data about people, in the order in which they erase:
// first the one that knows who exists, so that nothing is opened any more.
func (a *App) Holders() []thimble.Holder {
	return []thimble.Holder{a.Subjects, a.Sessions, a.Consent, a.Orders, a.Decisions, a.Uses, a.Glass, a.Requests, a.Shop}
}

// Without is what each capability does for people who do not permit its purpose.
func (a *App) Without() []gate.Without { return lists.Without() }

func (a *App) modelHash() string {
	v, ok := a.Shop.Version()
	if !ok {
		return ""
	}
	return fmt.Sprintf("%x", v.Hash)
}

// train does a training job. Its payload may say why.
func (a *App) train(ctx context.Context, j job.Job) error {
	asked := struct {
		Reason string `json:"reason"`
	}{Reason: "consents changed"}
	if err := json.Unmarshal([]byte(j.Payload), &asked); err != nil {
		return fmt.Errorf("reading the job: %w", err)
	}
	v, err := a.Shop.Train(ctx, asked.Reason, a.progress)
	if err == nil {
		a.Log.InfoContext(ctx, "model trained", slog.Int64("version", v.Number), slog.Int("people", v.Stats.People), slog.Duration("took", v.Took))
	}
	return err
}

// askTraining queues a training; its job is tried until it succeeds.
func (a *App) askTraining(ctx context.Context, reason string) error {
	payload, err := json.Marshal(map[string]string{"reason": reason})
	if err != nil {
		return err
	}
	return a.Core.Write(ctx, func(tx *sqldb.Tx) error {
		return a.Jobs.Add(ctx, tx, job.Job{Kind: TrainJob, Payload: string(payload), Dedupe: TrainJob})
	})
}

// orphanAge is how old a key without a person must be to be swept: an import that
// is under way makes keys before it commits their people.
const orphanAge = time.Hour

// Recover finishes what a crash interrupted, and checks the model that serves.
func (a *App) Recover(ctx context.Context) error {
	if err := a.checkLog(ctx); err != nil {
		return err
	}
	if err := a.Files.Sweep(); err != nil {
		return err
	}
	// What was announced and not done comes first: nothing is to build on it.
	acts, err := a.Ledger.Recover(ctx, a.performers())
	if err != nil {
		return err
	}
	if acts > 0 {
		a.Log.InfoContext(ctx, "interrupted acts finished", slog.Int("acts", acts))
	}
	if err := a.advanceLaw(ctx); err != nil {
		return err
	}
	if err := a.loadModel(ctx); err != nil {
		return err
	}
	n, err := a.Desk.Resume(ctx)
	if err != nil {
		return err
	}
	if n > 0 {
		a.Log.InfoContext(ctx, "interrupted requests finished", slog.Int("requests", n))
	}
	if err := a.resumeRotation(ctx); err != nil {
		return err
	}
	if err := a.buryAgain(ctx); err != nil {
		return err
	}
	swept, err := a.Vault.Sweep(ctx, a.Subjects.Missing, orphanAge)
	if err != nil {
		return err
	}
	if swept > 0 {
		a.Log.InfoContext(ctx, "keys without a person swept", slog.Int("keys", swept))
	}
	return a.Remember(ctx)
}

// ImportOrders imports a file of orders, and queues a training on them. It is
// queued before the import too: what a stopped import has committed is learned.
func (a *App) ImportOrders(ctx context.Context, src collect.Source, opt collect.Options) (collect.Report, error) {
	queue := func() error { return a.askTraining(ctx, "orders were imported") }
	if err := queue(); err != nil {
		return collect.Report{}, err
	}
	r, err := a.Importer.Orders(ctx, src, opt)
	if err != nil || r.Repeated {
		return r, err
	}
	return r, queue()
}

// loadModel takes up the serving model. One that is missing or was changed is
// never served: a new one is trained in its place. If that fails too, the version is
// withdrawn, and everybody is shown the popular list until a training succeeds.
func (a *App) loadModel(ctx context.Context) error {
	err := a.Shop.Load(ctx)
	if err == nil {
		return nil
	}
	if _, none := a.Versions.Serving(ctx); errors.Is(none, thimble.ErrNotFound) {
		return nil // nothing was trained yet, or what was is withdrawn
	}
	a.Log.WarnContext(ctx, "the serving model cannot be used; training anew", slog.String("cause", err.Error()))
	const reason = "the model file was missing or changed"
	if _, err = a.Shop.Train(ctx, reason, nil); err == nil || ctx.Err() != nil {
		return err
	}
	a.Log.ErrorContext(ctx, "no model can be trained; serving without", slog.String("cause", err.Error()))
	return a.Shop.Withdraw(ctx, reason)
}

// Close sends the last traces, and folds and closes the databases.
func (a *App) Close() error {
	var err error
	if a.telemetry != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		err = a.telemetry.Shutdown(ctx)
	}
	return errors.Join(err, a.Kernel.close())
}
