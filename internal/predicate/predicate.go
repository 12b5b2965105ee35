// Package predicate compiles and evaluates the CEL expressions of a workspace:
// values and predicates over source rows, over offers and over the rows of a
// join.
//
// Its promise: it is the slow, obviously right evaluator. What it says about a
// row is what cel-go's plain program says, plus the rules of null.
package predicate
