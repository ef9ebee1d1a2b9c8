package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"thimble"
	"thimble/internal/blob"
	"thimble/internal/catalog/catalogdb"
	"thimble/internal/consent/consentdb"
	"thimble/internal/decision"
	"thimble/internal/decision/decisiondb"
	"thimble/internal/disclose/disclosedb"
	"thimble/internal/disclose/wire"
	"thimble/internal/gate"
	"thimble/internal/gate/gatedb"
	"thimble/internal/job/jobdb"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/ledger/witness"
	"thimble/internal/order/orderdb"
	"thimble/internal/policy"
	"thimble/internal/policy/calendar"
	"thimble/internal/policy/policydb"
	"thimble/internal/recommend/lists"
	"thimble/internal/recommend/listsdb"
	"thimble/internal/session/sessiondb"
	"thimble/internal/sqldb"
	"thimble/internal/staff/rules"
	"thimble/internal/staff/staffdb"
	"thimble/internal/subject/subjectdb"
	"thimble/internal/vault"
	"thimble/internal/vault/vaultdb"
)

// Kernel is what makes everything else accountable.
type Kernel struct {
	Core, Keys *sqldb.DB
	Events     *sqldb.DB // the set log
	View       *sqldb.DB
	Files      *blob.Store
	Pack       *policy.Pack // the strict baseline
	Laws       *policydb.Store
	Vault      *vault.Vault
	Ledger     *ledgerdb.Log
	Subjects   *subjectdb.Store
	Presence   *subjectdb.Presence
	Catalog    *catalogdb.Store
	Orders     *orderdb.Store
	Sessions   *sessiondb.Store
	Staff      *staffdb.Store
	Glass      *staffdb.GlassStore
	Rules      *rules.Set // what staff may
	Consent    *consentdb.Store
	Uses       *gatedb.Log
	Node       *gatedb.Node
	Gate       *gate.Gate
	Disclose   *disclosedb.Store
	Decisions  *decisiondb.Store
	Jobs       *jobdb.Queue
	Leaving    *listsdb.Store // whom the recommender has still to take out

	drops      *wire.Folder                // nil: none
	beforehand func(context.Context) error // before a checkpoint is shown to witnesses
}

func openKernel(ctx context.Context, cfg Config, log *slog.Logger, handlers map[string]jobdb.Handler) (k *Kernel, err error) {
	k = &Kernel{}
	defer func() {
		if err != nil {
			err = errors.Join(err, k.close())
		}
	}()
	if err := k.openStores(ctx, cfg, log); err != nil {
		return k, err
	}
	if err := k.openLedger(ctx, cfg, log); err != nil {
		return k, err
	}
	now := cfg.clock()
	moves := gate.NewMoves()
	if k.Node, err = gatedb.Join(ctx, k.Core, moves, gatedb.NodeConfig{Log: log, Lease: cfg.Lease}); err != nil {
		return k, err
	}
	if err := k.openLaws(ctx, cfg); err != nil {
		return k, err
	}
	k.Leaving = listsdb.New(k.Core, now, k.askCatchUp)
	k.Subjects = subjectdb.New(k.Core, k.Vault, subjectdb.Config{Now: now, Opener: k.Vault, Moving: k.moving, Ledger: k.Ledger})
	k.Catalog = catalogdb.New(k.Core)
	k.Orders = orderdb.New(k.Core, k.Vault, k.Vault)
	k.Sessions = sessiondb.New(k.Core, k.Subjects, now)
	k.Sessions.OnSeen(k.Subjects.SawTx)
	if k.Staff, err = staffdb.New(k.Core, k.Ledger, k.Vault, k.Sessions, staffdb.Config{Cost: cfg.PasswordCost, Now: now}); err != nil {
		return k, err
	}
	k.Glass = k.Staff.Glass(k.Subjects)
	if k.Rules, err = openRules(cfg.StaffPolicies); err != nil {
		return k, err
	}
	k.Consent = consentdb.New(k.Core, k.Ledger, k.Vault, k.Subjects, k.Pack, now)
	k.Consent.Ages(k.age)
	where := laws{regime: k.Laws.Regime(), people: k.Subjects, vault: k.Vault}
	k.Consent.Residences(func(ctx context.Context, who thimble.SubjectID) (string, error) {
		sealed, err := k.Subjects.Residence(ctx, who)
		if err != nil {
			return "", err
		}
		home, err := where.home(ctx, who, sealed)
		return home.Place, err
	})
	k.Consent.Laws(func(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID) (consentdb.Law, error) {
		return where.inTx(ctx, tx, who, now())
	})
	k.Uses = gatedb.New(k.Core, k.Ledger, k.Vault, gatedb.Config{Now: now, Log: log, Alive: k.alive})
	k.Gate = gate.New(k.Subjects, k.Consent, k.Vault, k.Uses, k.Pack, moves, now)
	k.Gate.Under(where)
	if err := k.openDisclose(ctx, cfg, log); err != nil {
		return k, err
	}
	if err := k.openDecisions(where, now); err != nil {
		return k, err
	}
	k.Jobs = jobdb.New(k.Core, handlers, jobdb.Config{Now: now, Log: log, Forever: []string{TrainJob}, Schedules: append(schedules(), cfg.backupSchedule()...)})
	return k, nil
}

// openDecisions opens the record of decisions: which types there are, and by when a review
// is to be answered.
func (k *Kernel) openDecisions(where laws, now func() time.Time) error {
	k.Decisions = decisiondb.New(k.Core, k.Ledger, k.Vault, k.Subjects)
	types, err := decision.NewTypes(lists.DecisionTypes()...)
	if err != nil {
		return err
	}
	k.Decisions.Knows(types)
	k.Decisions.Reviews(decisiondb.Reviewing{Now: now, Due: func(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID, appeal bool, at time.Time) (time.Time, string, error) {
		law, err := where.inTx(ctx, tx, who, at)
		if err != nil {
			return time.Time{}, "", err
		}
		return decision.Due(law, policy.LawOf(calendar.On(at, time.UTC), k.Pack), appeal, at)
	}})
	return nil
}

// openStores opens the databases, the files, the laws and the keys.
func (k *Kernel) openStores(ctx context.Context, cfg Config, log *slog.Logger) error {
	data, err := cfg.folder()
	if err != nil {
		return err
	}
	models, err := cfg.folder("models")
	if err != nil {
		return err
	}
	keys, err := cfg.folder("keys")
	if err != nil {
		return err
	}
	if k.Core, err = sqldb.Open(ctx, sqldb.Config{Set: sqldb.Core, Path: filepath.Join(data, "core.db"), URL: cfg.DatabaseURL, Log: log}); err != nil {
		return err
	}
	if k.Keys, err = sqldb.Open(ctx, sqldb.Config{Set: sqldb.Keys, Path: filepath.Join(keys, "keys.db"), URL: cfg.urlOf(sqldb.Keys), Log: log}); err != nil {
		return err
	}
	if k.Events, err = sqldb.Open(ctx, sqldb.Config{Set: sqldb.Log, Path: filepath.Join(data, "log.db"), URL: cfg.DatabaseURL, Log: log}); err != nil {
		return err
	}
	if k.View, err = sqldb.Open(ctx, sqldb.Config{Set: sqldb.View, Path: filepath.Join(data, "view.db"), URL: cfg.DatabaseURL, Log: log}); err != nil {
		return err
	}
	if k.Files, err = blob.Open(models); err != nil {
		return err
	}
	if k.Pack, err = policy.Baseline(); err != nil {
		return err
	}
	return k.openVault(ctx, cfg, keys)
}

func (k *Kernel) openVault(ctx context.Context, cfg Config, folder string) error {
	lock := vault.IdentityFile(filepath.Join(folder, "root.identity"))
	if cfg.RootPassphrase != "" {
		lock = vault.Passphrase(cfg.RootPassphrase)
	}
	root, err := vault.NewFileRoot(filepath.Join(folder, "root.age"), lock)
	if err != nil {
		return err
	}
	// Of each person who is about, the intake has a key of events at hand.
	vc := vault.Config{Now: cfg.clock(), CacheSize: 1 << 16}
	if k.Keys.Engine() == sqldb.SQLite {
		// The epoch keys die here, and must not live on in a backup of the database.
		if vc.Epochs, err = vault.NewEpochFolder(filepath.Join(folder, "epochs")); err != nil {
			return err
		}
	}
	k.Vault = vault.New(vaultdb.New(k.Keys), root, vc)
	return k.Vault.Init(ctx)
}

// openLedger makes the log's name and key on first use: both are random and stay,
// until a restore opens a new epoch with a key of its own.
func (k *Kernel) openLedger(ctx context.Context, cfg Config, log *slog.Logger) error {
	epoch, err := ledgerdb.Epoch(ctx, k.Core)
	if err != nil {
		return err
	}
	signer, err := k.logSigner(ctx, epoch)
	if err != nil {
		return err
	}
	lc, err := witnesses(cfg)
	if err != nil {
		return err
	}
	lc.Now, lc.Log = cfg.clock(), log
	lc.Beforehand = func(ctx context.Context) error { return k.beforehand(ctx) }
	k.Ledger = ledgerdb.New(k.Core, signer, lc)
	return nil
}

// logSigner is the name and key of an epoch of the log.
func (k *Kernel) logSigner(ctx context.Context, epoch int64) (*ledger.Signer, error) {
	name, err := k.Vault.Secret(ctx, "ledger-origin", 16)
	if err != nil {
		return nil, err
	}
	origin, err := ledger.EpochOrigin(fmt.Sprintf("thimble.local/log/%x", name[:8]), epoch)
	if err != nil {
		return nil, err
	}
	secret := "ledger-signing-seed"
	if epoch > 1 {
		secret = fmt.Sprintf("%s-%d", secret, epoch)
	}
	seed, err := k.Vault.Secret(ctx, secret, 32)
	if err != nil {
		return nil, err
	}
	return ledger.NewSigner(origin, seed)
}

// witnesses reads who cosigns the log, if anybody does.
func witnesses(cfg Config) (lc ledgerdb.Config, err error) {
	if cfg.WitnessPolicy == "" {
		return lc, nil
	}
	wrong := func(err error) error {
		return fmt.Errorf("configuration: witness-policy (from %s): %w: %w", cfg.sources["witness-policy"], err, thimble.ErrInvalid)
	}
	text, err := os.ReadFile(cfg.WitnessPolicy)
	if err != nil {
		return lc, wrong(err)
	}
	if lc.Policy, err = ledger.ParsePolicy(text); err != nil {
		return lc, wrong(err)
	}
	clients, err := witness.Clients(lc.Policy)
	if err != nil {
		return lc, wrong(err)
	}
	for _, c := range clients {
		lc.Witnesses = append(lc.Witnesses, c)
	}
	return lc, nil
}

// alive is nil for somebody who was not erased.
func (k *Kernel) alive(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID) error {
	_, err := k.Subjects.Alive(ctx, tx, who)
	return err
}

func (k *Kernel) close() error {
	var err error
	if k.Node != nil {
		err = k.Node.Close(context.Background())
	}
	if k.drops != nil {
		err = errors.Join(err, k.drops.Close())
	}
	for _, db := range k.Sets() {
		err = errors.Join(err, db.Close())
	}
	return err
}

// Sets are the databases that are open.
func (k *Kernel) Sets() (open []*sqldb.DB) {
	for _, db := range []*sqldb.DB{k.Core, k.Keys, k.Events, k.View} {
		if db != nil {
			open = append(open, db)
		}
	}
	return open
}
