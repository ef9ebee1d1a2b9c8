package datamap

// A Spot is a place outside the tables: a file below the data folder, or something
// that a process keeps in memory.
type Spot struct {
	Kind   string // thimble.FilePlace or thimble.MemoryPlace
	Name   string // a pattern of package path, or type and field
	Holder string // who claims it; "" where nobody needs to
	Why    string // why nobody does
}

// Spots returns every place outside the tables, in the order of their names within
// each kind. A test holds it against the data folder of a busy installation, and
// against everything that the installation keeps in memory.
func Spots() []Spot { return spots }

const commits = "sealed events that are being committed, and are let go when that has ended"

const grants = "who is told of events; whose grants are held is in the map as timelinedb.uses.held"

const inTables = "the tables of the set, each of which is in the map"

var spots = []Spot{
	{Kind: "file", Name: "copies/*", Why: "copies of the databases, whose tables are in the map, for the moment in which a backup seals them; what a killed one left is removed by the next, and by a start"},
	{Kind: "file", Name: "core.db", Why: inTables},
	{Kind: "file", Name: "core.db-*", Why: inTables},
	{Kind: "file", Name: "imports/*", Why: "files that staff upload, sealed under a key that only the process has that took them; gone when they are imported, or within the hour"},
	{Kind: "file", Name: "keys/epochs/*", Why: "wrapped keys of days, which are nobody's"},
	{Kind: "file", Name: "keys/keys.db", Why: inTables},
	{Kind: "file", Name: "keys/keys.db-*", Why: inTables},
	{Kind: "file", Name: "keys/root.age", Why: "the installation's root key"},
	{Kind: "file", Name: "keys/root.identity", Why: "opens the root key"},
	{Kind: "file", Name: "ledger.seen", Why: "the newest checkpoint of the log, which names nobody"},
	{Kind: "file", Name: "lock", Why: "empty"},
	{Kind: "file", Name: "log.db", Why: inTables},
	{Kind: "file", Name: "log.db-*", Why: inTables},
	{Kind: "file", Name: "models/*", Holder: "recommend"},
	{Kind: "file", Name: "view.db", Why: inTables},
	{Kind: "file", Name: "view.db-*", Why: inTables},
	{Kind: "memory", Name: "decisiondb.group.waiting", Why: "decisions that wait for the transaction under way; who was erased meanwhile is refused in the next"},
	{Kind: "memory", Name: "frame.Frame.Records", Why: commits},
	{Kind: "memory", Name: "framedb.Store.queue", Why: commits},
	{Kind: "memory", Name: "framedb.committer.group", Why: commits},
	{Kind: "memory", Name: "gate.Moves.cohorts", Why: "who is counted in a model that is being released, until it is"},
	{Kind: "memory", Name: "gate.doorShard.held", Why: "what somebody permits, compiled from the tables; it is not used any more once they are erased"},
	{Kind: "memory", Name: "gate.shard.last", Why: "bare random numbers of who changed their mind since the start; they lead to nobody once the person is erased"},
	{Kind: "memory", Name: "gate.shard.outputs", Why: "answers that are leaving now; a change waits for them"},
	{Kind: "memory", Name: "gate.shard.states", Why: "compiled from the tables, and dropped by whatever changes them, an erasure first of all"},
	{Kind: "memory", Name: "gatedb.Log.counts", Holder: "gate"},
	{Kind: "memory", Name: "intake.identityShard.held", Why: "keyed hashes of identifiers under a key that ends with the process; one leads to nobody once the person is erased"},
	{Kind: "memory", Name: "intakedb.People.orders", Why: "identifiers of people who are being made, for the moment that takes"},
	{Kind: "memory", Name: "lists.Shop.challenger", Holder: "recommend"},
	{Kind: "memory", Name: "lists.Shop.held", Holder: "recommend"},
	{Kind: "memory", Name: "lists.Shop.live", Holder: "recommend"},
	{Kind: "memory", Name: "sessionweb.Post.waiting", Why: "codes that were asked for and are sent within moments; the outbox asks the gate about each"},
	{Kind: "memory", Name: "subjectdb.Presence.known", Why: "bare random numbers of who was there today; they lead to nobody once the person is erased"},
	{Kind: "memory", Name: "subjectdb.Presence.waits", Why: "bare random numbers of who was there within the last second; of who is erased nothing is written"},
	{Kind: "memory", Name: "timelinedb.Store.changed", Holder: "collect"},
	{Kind: "memory", Name: "timelinedb.Store.followers", Why: grants},
	{Kind: "memory", Name: "timelinedb.Store.listeners", Why: grants},
	{Kind: "memory", Name: "timelinedb.uses.held", Holder: "collect"},
	{Kind: "memory", Name: "timelinedb.window.places", Why: "where records lie that are not built in yet, until they are, moments later; a place leads to nobody once the person is erased"},
	{Kind: "memory", Name: "vault.cache.entries", Holder: "vault"},
	{Kind: "stream", Name: "THIMBLE_EVENTS", Why: "sealed events that wait for the archive, with a copy in the spool of the node that took them: unreadable once the key is gone, and trimmed when archived"},
}
