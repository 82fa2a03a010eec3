"""What each image is worth: methods, their result, and the evidence behind a value.

The methods need torch, which takes seconds to import; they load when they are first asked for.
"""

import lazy_loader

# Names and their modules are in __init__.pyi, which type checkers read as well.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
