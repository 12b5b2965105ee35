package source

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// soundArray says what is wrong within a nested array of a damaged file, before
// anyone follows its offsets and indexes.
func soundArray(values arrow.Array) error {
	switch v := values.(type) {
	case *array.Struct:
		return soundStruct(v)
	case *array.Map:
		if v.Keys().Len() != v.Items().Len() {
			return fmt.Errorf("a map of %d keys and %d values", v.Keys().Len(), v.Items().Len())
		}
		return soundList(v)
	case array.ListLike:
		return soundList(v)
	case *array.Dictionary:
		return soundIndexes(v)
	default:
		return nil
	}
}

func soundStruct(v *array.Struct) error {
	for i := range v.NumField() {
		if f := v.Field(i); f.Len() != v.Len() {
			return fmt.Errorf("a field of %d values in %d structs", f.Len(), v.Len())
		}
		if err := soundArray(v.Field(i)); err != nil {
			return err
		}
	}
	return nil
}

func soundList(v array.ListLike) error {
	most := int64(v.ListValues().Len())
	for i := range v.Len() {
		if from, to := v.ValueOffsets(i); from < 0 || from > to || to > most {
			return fmt.Errorf("a list from %d to %d of %d values", from, to, most)
		}
	}
	return soundArray(v.ListValues())
}

func soundIndexes(v *array.Dictionary) error {
	for i := range v.Len() {
		if v.IsValid(i) && uint(v.GetValueIndex(i)) >= uint(v.Dictionary().Len()) {
			return fmt.Errorf("index %d of a dictionary of %d values", v.GetValueIndex(i), v.Dictionary().Len())
		}
	}
	return soundArray(v.Dictionary())
}

// recovering turns a panic over the arrays of a damaged file into an error.
type recovering struct{ batches }

func (r recovering) next() (record arrow.RecordBatch, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the file is damaged: %v", p)
		}
	}()
	return r.batches.next()
}
