// Package systems is what the shop runs outside of Thimble that holds data about its
// customers: a shop, a newsletter, an ERP. Each takes part in the requests of people that
// it is stated to take part in, as a task of its own. Package systemsdb keeps systems and
// tasks, and tells them; systemsweb has the pages and the way in for answers.
//
// It promises:
//
//   - a task goes through one state machine, a pure function ([Task.Next]); what is done
//     stays done, and no answer counts that is not shown to be the system's;
//   - a system is told no more than it needs to find the person: its own number, or the
//     pseudonym that it has as a recipient; an e-mail address only with the reason why
//     nothing else will do ([System.Check], GDPR Art. 5(1)(c));
//   - a refusal is one of the reasons listed ([Reasons]): an answer of another system is
//     never kept as text, since it may hold anything.
package systems
