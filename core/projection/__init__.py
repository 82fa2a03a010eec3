"""projektor: what accuracy a mix of sources will reach, and which mix is best.

What needs torch or SciPy loads when it is first asked for.
"""

import lazy_loader

# Names and their modules are in __init__.pyi, which type checkers read as well.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
