// Package predicate compiles and evaluates the CEL expressions of a workspace:
// values and predicates over source rows, over offers and over the rows of a
// join.
//
// Its promise: it is the slow, obviously right evaluator. What it says about a
// row is what cel-go's plain program says about it, with these additions.
//
// Null. A null scalar is null: equal to nothing else, not ordered, refused by
// every function. A null struct is null and so is all that is selected from it. A
// null list or map is an empty one. In source rows an absent field is null, and
// so is every field of a null. has(x.f) is false for null and for empty lists and
// maps. An error is caused by null when the innermost call that fails has a null
// argument; then the value is null and the predicate undecided. Any other error
// is an *EvalError and the predicate failed. Of the errors of several legs of &&
// or || one that null did not cause comes first.
//
// Types. Ints of every width are int, floats of every width and decimals double
// (exactly rounded), timestamps and dates (at midnight UTC) timestamp. An int
// literal that stands beside a double is a double: offer.price == 12.
//
// Functions beyond the standard and its strings, lists and math extensions and
// optional types:
//
//	coalesce(a, b, ...)   the first that is neither null nor an error caused by null
//	first(list)           the first element, null of an empty list
//	count(list)           how many elements are not null
//	sum(list)             of the elements that are not null; 0 when there is none
//	avg(list)             a double; null when every element is null or there is none
//	min(list), max(list)  likewise, of numbers, texts, timestamps or durations
//	min(a, b, ...)        the least of those that are not null; max alike
//	round(x), round(x, n) half away from zero, to n decimals; of a double's shortest text
//	json(text)            a JSON text's value; null of an empty text
//	pairs(row, k, v)      a map: fields k1, k2, ... name the keys, v1, v2, ... the values
//
// 2026-11: cel-go parses, checks and brings the functions, but expressions run as
// nodes of ours. Whether null caused an error is a question about the arguments of
// the innermost call that failed, inside loops too, and cel-go's programs show
// neither those nor the other legs of && and ||. Tests run cel-go's programs beside
// ours, over random expressions and the specification's cases. Loops over maps go
// in the order of their keys, where cel-go has none.
package predicate
