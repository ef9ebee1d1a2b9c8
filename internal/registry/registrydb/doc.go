// Package registrydb keeps models: which versions there are, in which stage each is,
// and their files.
//
// It promises, on both engines:
//
//   - numbers of versions grow and are never given twice; one version of a model is the
//     champion at most;
//   - each release and each change of a stage commits with its leaf, or not at all;
//   - that a file is kept and that files are destroyed are acts of the ledger, announced
//     before and closed after: the next start finishes what a crash left half done;
//   - a file is verified at each load, and by [Shelf.Check] while it serves: signature,
//     digests, version, stage, floor. What is refused is written down with its rule;
//   - a champion that is refused is followed by the newest version that is good, or by
//     none;
//   - which keys count follows from the installation's own secrets. A key that was
//     revoked never counts again, and the next has another secret.
package registrydb
