// Package sqldb opens the databases: SQLite files by default, PostgreSQL beyond
// one machine, behind one handle.
//
// It promises:
//
//   - One SQL text serves both engines: $1 parameters, ON CONFLICT, RETURNING,
//     times as UTC microseconds in bigint, JSON as text.
//   - An acknowledged Write survives a power cut: SQLite runs WAL with
//     synchronous=FULL (NORMAL keeps the file whole and loses commits), PostgreSQL
//     runs synchronous_commit=on. The set [View] alone does not promise it: what is
//     in it can be made again.
//   - Write is serializable. A serialization failure or deadlock is retried, so
//     the function given to Write may run more than once; [Tx.OnCommit] runs its
//     effects once.
//   - Read sees one snapshot and cannot write. Within [DB.Snapshot] all reads see
//     the same one.
//   - Deleted bytes are overwritten (secure_delete), and [DB.Truncate] takes them
//     out of the write-ahead log.
//   - Checkpoints stay off the commit path: a goroutine makes them.
//   - A connection to SQLite keeps the statements that it ran last prepared; the text of one
//     costs as much to read as a small one does to run. That holds for what begins and ends a
//     read, and for a limit that is a parameter, which SQLite would plan anew for each value.
//   - A database that a newer version has migrated is refused, not damaged.
//
// The data is split in sets by how it must be backed up: each set is a file in
// SQLite, a schema in PostgreSQL, and has its own migrations. A transaction spans
// one set.
package sqldb
