#include "flash.h"

static void freeze(txSlot *instance) {
  for (txSlot *property = instance->next; property; property = property->next) {
    if (property->kind != XS_ACCESSOR_KIND)
      property->flag |= XS_DONT_SET_FLAG;
    property->flag |= XS_DONT_DELETE_FLAG;
  }
  instance->flag |= XS_DONT_PATCH_FLAG;
}

static bool is_function(txSlot *property) {
  return property->kind == XS_CALLBACK_KIND || property->kind == XS_CODE_KIND || property->kind == XS_CODE_X_KIND;
}

// Instances that a clone could not copy when it writes to them.
static bool is_unaliasable(txSlot *property) {
  switch (property->kind) {
    case XS_MAP_KIND:
    case XS_SET_KIND:
    case XS_WEAK_MAP_KIND:
    case XS_WEAK_SET_KIND:
    case XS_WEAK_REF_KIND:
    case XS_ARRAY_BUFFER_KIND:
    case XS_DATA_VIEW_KIND:
    case XS_TYPED_ARRAY_KIND:
    case XS_PROMISE_KIND:
    case XS_PROXY_KIND:
    case XS_REGEXP_KIND:
      return true;
    default:
      return false;
  }
}

static void freeze_instance(txSlot *instance) {
  txSlot *property = instance->next;
  if (!property || !(property->flag & XS_INTERNAL_FLAG))
    return;
  if (property->ID == XS_ENVIRONMENT_BEHAVIOR || is_unaliasable(property))
    freeze(instance);
  else if (is_function(property)) {
    freeze(instance);
    if (!(instance->flag & XS_CAN_CONSTRUCT_FLAG))
      return;
    while ((property = property->next))
      if (property->ID == mxID(_prototype) && property->kind == XS_REFERENCE_KIND)
        freeze(property->value.reference);
  }
}

// "X" kinds say that the data are not the collector's.
static void petrify(txMachine *root, txSlot *slot) {
  switch (slot->kind) {
    case XS_STRING_KIND:
      slot->kind = XS_STRING_X_KIND;
      break;
    case XS_KEY_KIND:
      slot->kind = XS_KEY_X_KIND;
      break;
    case XS_BIGINT_KIND:
      slot->kind = XS_BIGINT_X_KIND;
      break;
    case XS_CODE_KIND:
      slot->kind = XS_CODE_X_KIND;
      break;
    case XS_ARRAY_KIND:
      if (slot->value.array.address) {
        txIndex count = fxGetIndexSize(root, slot);
        for (txIndex i = 0; i < count; i++)
          petrify(root, slot->value.array.address + i);
      }
      break;
    default:
      break;
  }
}

static void each_slot(txMachine *root, void (*action)(txMachine *, txSlot *)) {
  for (txSlot *heap = root->firstHeap; heap; heap = heap->next)
    for (txSlot *slot = heap + 1, *limit = heap->value.reference; slot < limit; slot++)
      action(root, slot);
}

static void freeze_slot(txMachine *root, txSlot *slot) {
  (void)root;
  if (slot->kind == XS_INSTANCE_KIND)
    freeze_instance(slot);
}

// A binding of a function or class never changes in a preloaded module.
static void freeze_closure(txMachine *root, txSlot *slot) {
  (void)root;
  if (slot->kind != XS_CLOSURE_KIND || slot->value.closure->kind != XS_REFERENCE_KIND)
    return;
  txSlot *internal = slot->value.closure->value.reference->next;
  if (internal && is_function(internal))
    slot->value.closure->flag |= XS_DONT_SET_FLAG;
}

void flash_prepare(txMachine *root) {
  fxCollectGarbage(root);
  each_slot(root, freeze_slot);
  each_slot(root, freeze_closure);
}

void flash_seal(txMachine *root) {
  each_slot(root, petrify);
  for (txSlot *slot = root->stack; slot < root->stackTop; slot++)
    petrify(root, slot);
  // A clone's collector follows a chunk's forwarding address; there is none.
  for (txBlock *block = root->firstBlock; block; block = block->nextBlock) {
    txByte *current = (txByte *)block + sizeof(txBlock);
    while (current < block->current) {
      txChunk *chunk = (txChunk *)current;
      current = chunk->temporary;
      chunk->temporary = NULL;
    }
  }
}
