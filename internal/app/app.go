package app

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"thimble"
	"thimble/internal/collect"
	"thimble/internal/collect/collectdb"
	"thimble/internal/collect/collectweb"
	"thimble/internal/collect/framedb"
	"thimble/internal/collect/intake"
	"thimble/internal/collect/plandb"
	"thimble/internal/collect/sourcedb"
	"thimble/internal/collect/timelinedb"
	"thimble/internal/collect/watch"
	"thimble/internal/collect/watchdb"
	"thimble/internal/consent"
	"thimble/internal/gate"
	"thimble/internal/job"
	"thimble/internal/job/jobdb"
	"thimble/internal/recommend/devicedb"
	"thimble/internal/recommend/lists"
	"thimble/internal/recommend/recommendweb"
	"thimble/internal/recommend/suspectdb"
	"thimble/internal/recommend/tastedb"
	"thimble/internal/recommend/trialdb"
	"thimble/internal/recommend/tunedb"
	"thimble/internal/registry/registrydb"
	"thimble/internal/retention/retentiondb"
	"thimble/internal/rights"
	"thimble/internal/rights/agentsdb"
	"thimble/internal/rights/casesdb"
	"thimble/internal/rights/ddrf"
	"thimble/internal/rights/lettersdb"
	"thimble/internal/rights/opendsr"
	"thimble/internal/rights/opendsrdb"
	"thimble/internal/rights/opendsrweb"
	"thimble/internal/rights/regulationdb"
	"thimble/internal/rights/rightsdb"
	"thimble/internal/rights/systemsdb"
	"thimble/internal/session/sessionweb"
	"thimble/internal/sqldb"
)

// An App is one installation: kernel, capabilities and doors.
type App struct {
	*Kernel
	Config    Config
	Log       *slog.Logger
	Models    *registrydb.Shelf
	Suspects  *suspectdb.Store
	Shop      *lists.Shop
	Tastes    *tastedb.Store // what people say about their lists
	Trials    *trialdb.Store // experiments with lists
	Tunings   *tunedb.Store  // recipes that were tried, and the one that was chosen
	Imports   *collectdb.Store
	Importer  *collect.Importer
	Uploads   *collectweb.Uploads
	Frames    *framedb.Store    // the log of events
	Timeline  *timelinedb.Store // what is built behind it
	Intake    *intake.Intake
	events    *events         // where it puts them
	Sources   *sourcedb.Store // where events come from
	Plan      *plandb.Store   // what may come
	Watch     *watch.Watch    // sees what comes
	Figures   *watchdb.Store  // of what came
	Requests  *rightsdb.Store
	Cases     *casesdb.Store      // requests as people see them
	Letters   *lettersdb.Store    // letters about them
	Agents    *agentsdb.Store     // who may ask in people's place
	Verbs     *regulationdb.Store // what a shop's backend asked for in Segment's words
	Systems   *systemsdb.Store    // what takes part in them outside
	OpenDSR   *opendsrdb.Store    // whom the shop works for, and what those ask
	Desk      *rights.Desk
	Retention *retentiondb.Store // schedules, holds, and what expired
	Device    *devicedb.Desk

	calls     agentCalls
	post      *sessionweb.Post       // codes for customers; nil when there is no mail server
	regroups  chan struct{}          // people were joined or parted, and the holders are to be told
	speaker   *opendsrweb.Controller // of OpenDSR, to systems outside
	partners  ddrf.Partners          // the firms of chains of deletion
	signer    *opendsr.Signer        // of its answers; nil: none are given
	telemetry *Telemetry
	clock     *clockWatch
	stones    stones                // tombstones, and what is kept apart
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
	a.Kernel, err = openKernel(ctx, cfg, log, map[string]jobdb.Handler{TrainJob: a.train, AuditJob: a.audit, RotateJob: a.rotate, ReindexJob: a.reindex, LawJob: a.lawJob, CountJob: a.countJob, FeedJob: a.feed, FiguresJob: a.pruneFigures, CompactJob: a.compact, DeviceJob: a.expireDevice, TrialJob: a.tally, TuneJob: a.tune, RetentionJob: a.expireDue, BackupJob: a.backUpByItself})
	if err != nil {
		return nil, err
	}
	a.Gate.Obeys(staffRules{a})
	a.beforehand = a.KeepApart
	if a.Config.SMTPURL != "" || a.Config.Demo {
		a.post = sessionweb.NewPost(codeLetters{a}, log)
	}
	if err := a.openPlan(ctx); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	if a.Frames, err = framedb.Open(ctx, a.Events, framedb.Config{Now: cfg.clock(), Log: log}); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	if err := a.capabilities(); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	if err = a.openIntake(ctx); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	a.telemetry, err = NewTelemetry(ctx, TelemetryConfig{Gauges: a.gauges(), Counts: []prometheus.Collector{incoming{a.Watch}, joined{&a.Intake}, behind{a}}, Traces: cfg.Traces, Version: Version, Log: log})
	if err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

func (a *App) capabilities() error {
	now := a.Config.clock()
	a.Models = registrydb.NewShelf(registrydb.New(a.Core, a.Ledger, now), a.Files, a.modelSecret, a.Log)
	a.openSuspects()
	a.openTastes(now)
	rules, err := listRules(a.Config.ListRules)
	if err != nil {
		return err
	}
	a.openTrials()
	a.openTunings()
	a.Shop = lists.New(lists.Deps{
		Gate: a.Gate, Orders: a.Orders, Catalog: a.Catalog, Decisions: a.Decisions,
		Models: a.Models, Suspects: a.Suspects, Tastes: a.Tastes, Log: a.Log, Now: now, Ask: a.askTraining, Code: Version, Experiments: a.Trials, Fresh: a.Config.ListsFresh, Rules: rules, Recipes: a.Tunings,
		People: a.Subjects, Leaving: a.Leaving,
	})
	a.openDevice()
	a.Imports = collectdb.New(a.Core, collectdb.Parts{People: a.Subjects, Orders: a.Orders, Catalogue: a.Catalog, Keys: a.Vault, Consents: a.Consent}, now, nil)
	a.Importer = collect.New(a.Imports, keeping{a})
	a.Uploads = collectweb.NewUploads(filepath.Join(a.Config.Data, "imports"), a.Import, now, a.Log)
	a.Uploads.Shops = a.shops
	a.Sources = sourcedb.New(a.Core, a.Ledger, now)
	if err := a.openTimeline(); err != nil {
		return err
	}
	a.Shop.Events, a.Shop.Journal = touches{a.Timeline}, journal{a.Frames, a.Timeline}
	a.Requests = rightsdb.New(a.Core, a.Ledger, a.Subjects, now)
	if err := a.openSystems(now); err != nil {
		return err
	}
	a.openCases(now)
	a.Verbs = regulationdb.New(a.Core, a.Subjects, a.Cases, now)
	if err := a.openAgents(); err != nil {
		return err
	}
	if err := a.openOpenDSR(now); err != nil {
		return err
	}
	a.openRetention(now)
	a.Shop.UsableSince = a.Retention.UsableSince
	a.Desk = rights.NewDesk(a.Requests, keeper{a.Vault, a}, a.modelHash, a.Holders()...).With(rights.Config{People: a.Subjects, Snapshots: snapshots{a.Core, a.Events, a.View}, Now: now, Surroundings: surroundings{a}, Holds: heldBack{a.Retention}, Amends: a.amends(), Left: a.hurry})
	a.Orders.Moves(a.Subjects)
	a.Subjects.OnRegroup(a.regrouped)
	// A yes to training trains anew, and whoever says no is taken out: queued in the
	// transaction of the choice.
	a.Consent.OnChange(func(ctx context.Context, tx *sqldb.Tx, events []consent.Event) error {
		a.rederive(tx, events)
		a.Leaving.Chose(tx, events)
		return a.retrain(ctx, tx, events)
	})
	return nil
}

// Holders are all who keep data about people, in the order in which they erase:
// first the one that knows who exists, so that nothing is opened any more.
func (a *App) Holders() []thimble.Holder {
	return []thimble.Holder{a.Subjects, a.Sessions, a.Consent, a.Tastes, a.Orders, a.Imports, a.Disclose, a.Decisions, a.Uses, a.Glass, a.Requests, a.Cases, a.Systems, a.Timeline, a.Suspects, a.Trials, a.Retention, a.Shop}
}

// Without is what each capability does for people who do not permit its purpose.
func (a *App) Without() []gate.Without { return lists.Without() }

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
	if err := a.KeepApart(ctx); err != nil {
		return err // what is kept apart knows of erasures that this database does not
	}
	if err := a.sweepFiles(); err != nil {
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
	if err := a.Plan.Begin(ctx); err != nil {
		return err
	}
	if err := a.loadModel(ctx); err != nil {
		return err
	}
	if err := a.Retention.Load(ctx); err != nil {
		return err
	}
	n, err := a.Desk.Resume(ctx)
	if err != nil {
		return err
	}
	if n > 0 {
		a.Log.InfoContext(ctx, "interrupted requests finished", slog.Int("requests", n))
	}
	if _, err := a.Desk.Certify(ctx); err != nil {
		return err
	}
	if _, err := a.Cases.Settle(ctx); err != nil {
		return err
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

// sweepFiles removes what a crash left half-written, and copies that a backup was sealing.
func (a *App) sweepFiles() error {
	return errors.Join(a.Files.Sweep(), a.Uploads.Sweep(), os.RemoveAll(filepath.Join(a.Config.Data, CopiesName)))
}

// ImportOrders imports a file of orders, and queues a training on them. It is
// queued before the import too: what a stopped import has committed is learned.
func (a *App) ImportOrders(ctx context.Context, src collect.Source, opt collect.Options) (collect.Report, error) {
	return a.Import(ctx, collect.Orders, src, opt)
}

// Import imports a source of a kind. Orders are learned from; choices have that queued
// with them.
func (a *App) Import(ctx context.Context, kind collect.Kind, src collect.Source, opt collect.Options) (collect.Report, error) {
	if opt.Now.IsZero() {
		opt.Now = a.Config.clock()()
	}
	if _, err := a.shops(ctx); err != nil {
		return collect.Report{}, err
	}
	queue := func() error {
		if kind != collect.Orders {
			return nil
		}
		return a.askTraining(ctx, "orders were imported")
	}
	if err := queue(); err != nil {
		return collect.Report{}, err
	}
	r, err := a.Importer.Import(ctx, kind, src, opt)
	if err != nil || r.Repeated {
		return r, err
	}
	return r, queue()
}

// Close sends the last traces, and folds and closes the databases.
func (a *App) Close() error {
	var err error
	if a.telemetry != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		err = a.telemetry.Shutdown(ctx)
	}
	if a.Trials != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		err = errors.Join(err, a.Trials.Flush(ctx))
	}
	if a.Frames != nil {
		err = errors.Join(err, a.Frames.Close())
	}
	return errors.Join(err, a.Kernel.close())
}
