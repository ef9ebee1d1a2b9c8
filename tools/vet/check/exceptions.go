package check

// An exception is a place where a rule is broken with reason.
type exception struct {
	check string // the analyzer
	pkg   string // the package's path
	in    string // "Func", "Type.Method" or "import"
	why   string
}

var exceptions = []exception{
	{"revealed", "thimble/internal/subject/subjectdb", "Store.mark", "the comment above blind, its neighbour, is for both: the value is hashed under the vault's keys"},
	{"revealed", "thimble/internal/subject/subjectdb", "Store.draft", "the value is sealed in the same expression"},
	{"purposeless", "thimble/internal/consent/consentdb", "Store.Record", "returns the events that the caller has just made, and none that was kept"},
	{"purposeless", "thimble/internal/consent/consentdb", "Store.RecordTx", "as Store.Record, in the caller's transaction"},
	{"purposeless", "thimble/internal/consent/consentdb", "Whole.Record", "as Store.Record, for all subjects of a person"},
	{"purposeless", "thimble/internal/consent/consentdb", "Store.RecordOnce", "as Store.Record; of what is sent again within a day it returns the events that the same caller made"},
	{"purposeless", "thimble/internal/consent/consentdb", "Whole.RecordOnce", "as Store.RecordOnce, for all subjects of a person"},
	{"purposeless", "thimble/internal/session/sessiondb", "Store.Ask", "returns the code that it has just made, to be sent; what is kept of it is a hash"},
	{"purposeless", "thimble/internal/staff/staffdb", "Store.SetUp", "returns the recovery codes that it has just made, to their owner; what is kept of them are hashes"},
	{"purposeless", "thimble/internal/staff/staffdb", "Store.NewFactor", "as Store.SetUp: the recovery codes are made here and shown to their owner once"},
	{"purposeless", "thimble/internal/subject/subjectdb", "Store.YoungestTx", "the law asks for it before a yes may be taken, so before anybody has a purpose; it tells adult or minor, to the transaction of the yes"},
	{"purposeless", "thimble/internal/recommend/tastedb", "Store.Say", "returns the events that the caller has just made; of what is sent again within a day those that the same caller made"},
	{"purposeless", "thimble/internal/recommend/tastedb", "Whole.Say", "as Store.Say, for all subjects of a person"},
	{"purposeless", "thimble/internal/rights/casesdb", "Store.Correction", "returns what the person asked to put right to the desk that puts it right, as a recorded request; it goes to the holder of the value and nowhere else"},
	{"purposeless", "thimble/internal/rights/casesdb", "Store.ChainTx", "what another firm signed goes on with the request, in the transaction that begins the erasure: it is sealed again for that task, and goes nowhere else"},
	{"purposeless", "thimble/internal/subject/subjectdb", "Store.IdentifiersTx", "a system outside has to be told whom a request is about, in the transaction that begins it (GDPR Art. 19), and somebody who is erased gets a last letter (GDPR Art. 12(3)): what is opened is sealed again for that task, or in the outbox with its leaf, and goes nowhere else"},
	{"purposeless", "thimble/internal/rights/systemsdb", "Store.Whom", "who does by hand what a system is asked for learns what that system knows the person by, when the person may be erased and no grant can be given; that they looked is a step of the case with a leaf"},
	{"sealedcolumn", "thimble/internal/backup/backupdb", "reader.write", "a backup copies frames as they lie, sealed, and opens nothing"},
	{"sealedcolumn", "thimble/internal/backup/backupdb", "input.frame", "as reader.write, into the log that is put back"},
	{"vaultdoor", "thimble/internal/app", "laws.home", "where somebody lives decides which law the gate judges by, and for how long they are not asked again: no grant can be given before it is known, and it goes nowhere else"},
	{"vaultdoor", "thimble/internal/app", "App.openTastes", "what somebody says about their lists is opened to be obeyed, as a consent is: it makes each use smaller, whatever it is for; the audit and the person's own export read it the same way"},
	{"vaultdoor", "thimble/internal/collect/collectdb", "Store.export", "a holder's own export of a person to that person, which the desk of rights asks for and records, as the holders of the kernel do it"},
	{"vaultdoor", "thimble/internal/rights/casesdb", "Store.unseal", "what a registered agent said: its own number of its request, told to it alone; and its power of attorney, for the person's own export and for staff whose look at the request the gate has recorded; what another firm signed, which is sealed again for those that the request goes on to"},
	{"vaultdoor", "thimble/internal/rights/casesdb", "Store.export", "as collectdb's Store.export: a holder's own export of a person to that person"},
	{"vaultdoor", "thimble/internal/rights/casesdb", "Store.fix", "what somebody asked to put right is opened to be obeyed, as a choice is; see Store.Correction"},
	{"vaultdoor", "thimble/internal/rights/systemsdb", "Store.secret", "the key of a system's webhooks, or what a processor lets us in with: it is nobody's, and the installation seals it"},
	{"vaultdoor", "thimble/internal/rights/systemsdb", "Store.tell", "what a system is told is sealed by the installation, since the person's key may be destroyed before it is told; the step that begins the case has the leaf"},
	{"vaultdoor", "thimble/internal/rights/systemsdb", "Store.Whom", "as Store.tell, for who of the staff does it there by hand"},
	{"vaultdoor", "thimble/internal/rights", "import", "erasure asks the vault to shred and reports what vault.Shredded counts; it opens nothing"},
}
