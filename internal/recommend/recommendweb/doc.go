// Package recommendweb shows the recommender: to staff, which model serves, how it
// came about, and what it says goes with an item.
package recommendweb
