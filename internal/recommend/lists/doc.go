// Package lists makes the lists a shop shows: for you, goes with, popular. It
// joins the recommender to the gate, the orders and the record of decisions.
//
// It promises:
//
//   - a person's history is read for a list only if the person permits it; who
//     does not gets the popular list, which uses nothing about anybody;
//   - who does not want lists, though the rest, gets the popular one; of who does not
//     want their returns used, no return is opened, and what came back counts as bought;
//   - each personal list is a recorded decision with its terms and its receipt,
//     kept before the list is returned, and not returned when the person changed
//     their mind meanwhile;
//   - a list is made from what the person permits of orders and of what they looked at, each
//     asked of the gate by itself; what they do next changes the next list, without a training;
//   - a version learns from orders until a batch, and from what was done with products until a
//     place of the log, of people who permit training: of what they did, what came in since
//     they do. Made again until the same places it is the same, whatever came in later, late,
//     twice or in another order ([Journal]);
//   - only orders and deeds of people who permit training reach the model; who takes it back is
//     written down in the transaction that records it, and from its commit on no list has a
//     score that knew them, in any process;
//   - taking somebody out solves again the columns that knew them, and gives byte for byte
//     the model of a training from the store without them;
//   - every version of the model that is kept was made of people who permit it now: a
//     training makes each anew, or destroys it, and a model that somebody was taken out
//     of exists nowhere any more;
//   - a model is served only after its package was verified, and the files are verified
//     again while it serves;
//   - staff who look at what somebody would be shown see the list that they would be shown,
//     made with the staff's own grant of as much as the person permits for it; it is no list
//     of the person: no decision, no seat in an experiment, no count and no propensity comes
//     of it, because the way to it ends before whatever records any of these ([Shop.Glimpse]);
//   - recipes are tried on what is permitted only, over [LeastJudged] people or more, and
//     judged on a part that none had learned from ([Shop.Tune]); a chosen one is frozen in
//     the next version with who chose it;
//   - which lists a product drives is told with the model's own weights, and with how many
//     people from [LeastPeople] on, in steps; of nobody who is to be taken out ([Shop.Drives]);
//   - what a person wants forgotten is in no history, no term and no count, and is not
//     learned from; what they want less of, or never, is left out of their own lists;
//   - lists that are not personal are the same for everybody who asks the same; a session
//     or a basket is used for its answer and not kept;
//   - what is withdrawn, out of stock or for grown-ups, and what is not what was asked for,
//     is in no list, personal or not, and an empty list says what kept everything out;
//   - what the shop's rules do to a personal list is in its record: each boost as a term of
//     its own within its bound, each place that a campaign holds as one that no score won.
//     What the person said about their lists wins over a campaign;
//   - a version that was trained says how well its recipe foretells what people bought last;
//   - what somebody looked at is listed by time for who permits it, without a model, an order
//     or a record that would keep it once more; what they want forgotten is in it no more;
//   - what is popular in a country is counted of people who permit learning, on no disk: a
//     country of fewer than 20 has no list, whoever leaves is in no count from the commit of
//     that on, and afterwards the counts are those of gathering without them;
//   - erasing a person takes them out of every version that is kept before it returns.
package lists
