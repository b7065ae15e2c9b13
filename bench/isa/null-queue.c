/*
 * A Vulkan driver ("ICD") that passes everything on to Mesa's RADV, except for recording and submitting commands, which
 * do nothing.
 *
 * RADV compiles for an AMD GPU that is not there when RADV_FORCE_FAMILY names one: its "null winsys" has memory and a
 * compiler, but no command streams, and dereferences a null pointer when commands are recorded. WebGPU's implementation
 * records commands when it opens a device, so without this layer there is no device. With it, pipelines are compiled by
 * the real compiler, every submit counts as done at once, and buffers keep whatever they hold.
 *
 * The Vulkan loader calls the three functions that are exported here; all others are found through them.
 *
 * Environment: DAYBREAK_ISA_DRIVER, the path of libvulkan_radeon.so; RADV_FORCE_FAMILY, the GPU family, without which RADV
 * would drive a real GPU, whose work must not be dropped; DAYBREAK_ISA_WAVE_SIZE, 32 or 64, to replace the subgroup size
 * that WebGPU's implementation requires of every compute pipeline (64 on RDNA, whatever RADV would prefer).
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void (*vulkan_function)(void);
typedef vulkan_function (*function_lookup)(void *handle, const char *name);
typedef int32_t (*version_negotiation)(uint32_t *version);

enum { VULKAN_SUCCESS = 0, VULKAN_INITIALIZATION_FAILED = -3 };

/* Besides everything that begins with "vkCmd". */
static const char *const dropped_functions[] = {
  "vkBeginCommandBuffer", "vkEndCommandBuffer",   "vkResetCommandBuffer", "vkResetCommandPool", "vkDestroyCommandPool",
  "vkQueueSubmit",        "vkQueueSubmit2",       "vkQueueSubmit2KHR",    "vkQueueBindSparse",  "vkQueueWaitIdle",
  "vkDeviceWaitIdle",     "vkFreeCommandBuffers", "vkWaitForFences",      "vkResetFences",      "vkGetFenceStatus",
  "vkWaitSemaphores",     "vkWaitSemaphoresKHR",
};

/* The parts of vulkan_core.h that are needed here. */
struct vulkan_structure {
  int32_t type;
  struct vulkan_structure *next;
};
struct required_subgroup_size {
  struct vulkan_structure header;
  uint32_t lanes;
};
struct compute_pipeline_description {
  struct vulkan_structure header;
  uint32_t flags;
  struct {
    struct vulkan_structure header;
    uint32_t flags, stage;
    uint64_t module;
    const char *name;
    const void *constants;
  } stage;
  uint64_t layout, base_pipeline;
  int32_t base_index;
};
enum { TYPE_REQUIRED_SUBGROUP_SIZE = 1000225001 };
typedef int32_t (*pipeline_creation)(void *device, uint64_t cache, uint32_t count,
                                     const struct compute_pipeline_description *descriptions, const void *allocator,
                                     uint64_t *pipelines);

static void *driver;
static pipeline_creation driver_create_compute_pipelines;
static function_lookup driver_instance_lookup;
static function_lookup driver_device_lookup;

/* Loads the real driver once; says on stderr why it cannot. */
static int load_driver(void) {
  if (driver_instance_lookup) return 1;
  const char *path = getenv("DAYBREAK_ISA_DRIVER");
  if (!path || !*path) {
    fprintf(stderr, "null-queue: DAYBREAK_ISA_DRIVER must name libvulkan_radeon.so\n");
    return 0;
  }
  const char *family = getenv("RADV_FORCE_FAMILY");
  if (!family || !*family) {
    fprintf(stderr, "null-queue: RADV_FORCE_FAMILY must name a GPU family, such as navi31\n");
    return 0;
  }
  driver = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!driver) {
    fprintf(stderr, "null-queue: %s\n", dlerror());
    return 0;
  }
  driver_instance_lookup = (function_lookup)dlsym(driver, "vk_icdGetInstanceProcAddr");
  if (!driver_instance_lookup) fprintf(stderr, "null-queue: %s is no Vulkan driver\n", path);
  return driver_instance_lookup != NULL;
}

/*
 * Stands in for functions with any parameters: the callers of the System V and AAPCS conventions clean up after
 * themselves, and zero is VK_SUCCESS where a result is expected.
 */
static int64_t do_nothing(void) { return VULKAN_SUCCESS; }

static int is_dropped(const char *name) {
  if (strncmp(name, "vkCmd", 5) == 0) return 1;
  for (size_t i = 0; i < sizeof dropped_functions / sizeof *dropped_functions; i++) {
    if (strcmp(name, dropped_functions[i]) == 0) return 1;
  }
  return 0;
}

/* What the driver offers under a name, or nothing to do in its place. */
static vulkan_function replaced(const char *name, vulkan_function offered) {
  return offered && is_dropped(name) ? (vulkan_function)do_nothing : offered;
}

/* Creates pipelines with the wave size of the environment, in structures that the caller has on its stack anyway. */
static int32_t create_compute_pipelines(void *device, uint64_t cache, uint32_t count,
                                        const struct compute_pipeline_description *descriptions,
                                        const void *allocator, uint64_t *pipelines) {
  const char *lanes = getenv("DAYBREAK_ISA_WAVE_SIZE");
  for (uint32_t i = 0; lanes && i < count; i++) {
    for (struct vulkan_structure *next = descriptions[i].stage.header.next; next; next = next->next) {
      if (next->type == TYPE_REQUIRED_SUBGROUP_SIZE) {
        ((struct required_subgroup_size *)next)->lanes = (uint32_t)strtoul(lanes, NULL, 10);
      }
    }
  }
  return driver_create_compute_pipelines(device, cache, count, descriptions, allocator, pipelines);
}

static vulkan_function device_lookup(void *device, const char *name) {
  vulkan_function offered = driver_device_lookup(device, name);
  if (!offered || strcmp(name, "vkCreateComputePipelines") != 0) return replaced(name, offered);
  driver_create_compute_pipelines = (pipeline_creation)offered;
  return (vulkan_function)create_compute_pipelines;
}

__attribute__((visibility("default"))) vulkan_function vk_icdGetInstanceProcAddr(void *instance, const char *name) {
  if (!load_driver()) return NULL;
  vulkan_function offered = driver_instance_lookup(instance, name);
  if (strcmp(name, "vkGetDeviceProcAddr") != 0) return replaced(name, offered);
  driver_device_lookup = (function_lookup)offered;
  return offered ? (vulkan_function)device_lookup : NULL;
}

__attribute__((visibility("default"))) vulkan_function vk_icdGetPhysicalDeviceProcAddr(void *instance,
                                                                                       const char *name) {
  if (!load_driver()) return NULL;
  function_lookup lookup = (function_lookup)dlsym(driver, "vk_icdGetPhysicalDeviceProcAddr");
  return lookup ? lookup(instance, name) : NULL;
}

__attribute__((visibility("default"))) int32_t vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t *version) {
  if (!load_driver()) return VULKAN_INITIALIZATION_FAILED;
  version_negotiation negotiate = (version_negotiation)dlsym(driver, "vk_icdNegotiateLoaderICDInterfaceVersion");
  return negotiate ? negotiate(version) : VULKAN_SUCCESS;
}
