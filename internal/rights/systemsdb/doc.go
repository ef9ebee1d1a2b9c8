// Package systemsdb keeps the systems outside of Thimble that hold data about customers,
// and what each of them is asked for. It is the only code that tells them.
//
// It promises:
//
//   - the tasks of a case are opened in the transaction that begins it, with what each
//     system has to be told: that is sealed by the installation, since the person's key may
//     be destroyed before the system has answered, and is destroyed itself when the task
//     ends, ninety days after its date at the latest;
//   - nothing leaves for a task that is not durable with the step of its case, and so with
//     a leaf ([Store.Begin]); a try is made under a lease, at least once, under one id;
//   - whatever happens to a task is a step of its case in the same transaction, and the last
//     answer closes the case;
//   - an answer counts when it is signed by the system, about a task of its own that it was
//     told of; whatever is wrong with one is not said apart;
//   - of an erased person a task keeps what was asked of whom, without the person.
package systemsdb
