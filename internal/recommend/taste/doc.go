// Package taste is what people say about the lists that are made for them: less of this,
// forget that I looked at this, never use this category.
//
// It promises:
//
//   - Where a person stands at an instant is a pure function of their events, whatever
//     the order in which these are read: of one thing, the latest by number counts.
//   - Each choice can be undone, by one event more, and nothing else undoes it.
//   - Less of an item: it is left out of their lists, and whatever it would speak for as
//     a purchase it speaks against by as much: a term of the score with its own number,
//     never more than the one purchase, so that the terms still sum to the score. Who has
//     no point left is not in the list.
//   - Less of a category of products: a list holds one product of it at most.
//   - Forget an item: it is no part of the history of which lists are made, is in no
//     term and no count, is not learned from, and is not shown in their own lists. The
//     orders themselves stay where a law keeps them.
//   - Never a category of products: nothing in it counts, as if each item of it were
//     forgotten, and nothing of it is shown in their own lists.
//   - Of a person whom links join of several accounts, what any of them said holds: the
//     stricter wins.
//   - Lists that are the same for everybody stay the same: nothing about the person is
//     used for them, nor what they said here.
//   - One function says why something is in a list, for every door ([Because]).
//
// Where the events lie, and who may read them, is tastedb's.
package taste
